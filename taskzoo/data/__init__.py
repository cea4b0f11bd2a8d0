"""Data sets in one canonical, content-addressed form, and the tasks made of them."""
