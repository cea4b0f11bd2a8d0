"""How fast and in how much memory the exact diagonal Fisher is taken, beside one plain pass and other libraries."""
