"""Everything that computes pictures, behind the Engine protocol of interface.py."""
