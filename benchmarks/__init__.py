"""Benchmarks: each measures side by side, writes JSON with its environment, and prints it with --summary."""
