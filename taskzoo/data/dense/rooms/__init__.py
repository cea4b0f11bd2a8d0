"""Synthetic rooms, cast ray by ray: images with exact geometry."""
