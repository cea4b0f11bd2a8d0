"""Tests of the distance room."""
