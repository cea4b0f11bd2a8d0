"""Which sources, how sure, and what they say about the search."""
