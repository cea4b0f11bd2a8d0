"""The published matrices of two papers, measured again at small scale: ``python -m benchmarks.published``."""
