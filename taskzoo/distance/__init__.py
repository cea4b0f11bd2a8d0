"""Measures of how far a source task is from a target task: rows sources, columns targets."""
