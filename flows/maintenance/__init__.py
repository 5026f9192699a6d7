"""Commands that look after what was made: `status`, `verify`, `pull`, `remove`, `forget`, `gc`."""
