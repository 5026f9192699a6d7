"""Instance masks of detected objects."""
