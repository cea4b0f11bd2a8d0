"""Runnable exploit attempts."""
