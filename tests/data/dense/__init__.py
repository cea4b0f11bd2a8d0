"""Tests of target images: files, recipes, rooms, tasks."""
