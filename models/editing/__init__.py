"""Edits of ws as pure functions: style mixing, attributes, noise."""
