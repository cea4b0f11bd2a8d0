"""Search for real targets with real training, at equal time."""
