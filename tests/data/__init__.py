"""Tests of data sets: sources, store, tasks and validation."""
