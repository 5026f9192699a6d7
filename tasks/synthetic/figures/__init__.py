"""Articulated figures: people of tapered limbs who walk, wave, kick, ... with exact flow at hand."""
