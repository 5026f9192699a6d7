"""A room of its own, so that it has a folder for data files."""
