"""Reading attributes and light from a picture."""
