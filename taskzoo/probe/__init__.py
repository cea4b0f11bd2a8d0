"""The network whose Fisher is taken, and its training."""
