"""Checks of a machine before it is blamed, each a function that finds one thing and says what to do."""
