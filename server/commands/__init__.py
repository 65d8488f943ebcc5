"""The commands of the command line, one a file. What needs torch is imported when a command runs."""
