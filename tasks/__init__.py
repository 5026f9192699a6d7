"""The rooms: one folder per stage, and what they share (artifacts, geometry, weights, the stage engine)."""
