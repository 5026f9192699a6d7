"""Rendered articulated figures: people of tapered capsules who walk, wave, kick, ... with exact optical flow."""
