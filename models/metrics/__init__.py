"""Measuring a generator: distances to a set of pictures, precision and recall, path length, edits."""
