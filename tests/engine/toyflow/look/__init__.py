"""A room that looks with a network."""
