"""Tests of the probe room."""
