"""Tests: real components, small inputs."""
