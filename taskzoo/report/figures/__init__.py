"""One file a figure; each drawing function takes results and returns a matplotlib figure."""
