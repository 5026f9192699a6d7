"""The files in `reports/` about the whole data set: the index page, its description for machines, and all recipes."""

REPORTS = "reports"
PAGE = "index.html"
CARD = "dataset.json"
"""Croissant: JSON-LD."""
RECIPES = "recipes.js"
"""How every artifact was made; films' pages load it on request."""
OVERVIEW_FILES = (PAGE, CARD, RECIPES)
NOTES_FILE = "dataset.yaml"
"""What people say about the data set: name, licence, creators; below the root."""
