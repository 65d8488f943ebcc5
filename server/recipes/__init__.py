"""Recipes: a whole edit with all that it needs, inside the picture that it makes."""
