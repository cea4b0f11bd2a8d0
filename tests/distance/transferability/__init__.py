"""Tests of the transferability scores."""
