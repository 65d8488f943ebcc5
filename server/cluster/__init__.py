"""The same application on Ray Serve: the only package that imports ray, which is an optional extra."""
