"""Tests of the fisher room."""
