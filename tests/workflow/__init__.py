"""Tests of the recommend room."""
