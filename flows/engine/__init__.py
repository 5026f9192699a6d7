"""The engine: which items are stale, and how they are made, recorded and brought back."""
