"""Notifications that are never lost: stored first, delivered live, kept until acknowledged."""

__version__ = "0.1.0"
