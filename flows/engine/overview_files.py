"""The files in `reports/` that show the whole data set: the index page, and its description for machines."""

REPORTS = "reports"
PAGE = "index.html"
CARD = "dataset.json"
"""Croissant: JSON-LD."""
OVERVIEW_FILES = (PAGE, CARD)
NOTES_FILE = "dataset.yaml"
"""What people say about the data set: name, licence, creators; below the root."""
