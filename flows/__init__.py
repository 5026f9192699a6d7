"""The table of contents: which stages there are, how they run, and the doors to them."""
