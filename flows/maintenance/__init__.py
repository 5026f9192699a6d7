"""Commands that maintain the data set and its storage: `status`, `verify`, `pull`, `remove`, `forget`, `gc`."""
