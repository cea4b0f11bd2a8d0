"""Architecture search on one task: spaces, strategies, results and the final network."""
