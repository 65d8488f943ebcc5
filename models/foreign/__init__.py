"""Checkpoints of other programs: recognised, and read without running anything that they hold."""
