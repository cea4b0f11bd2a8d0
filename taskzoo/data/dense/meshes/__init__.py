"""Mesh files, cast ray by ray by embree: images and geometry of given places."""
