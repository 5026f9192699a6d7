"""Semantic flow for video datasets; the code stands in the packages `flows` and `tasks`."""

__version__ = "0.2.0"
