"""What a version of the data set is, where its data came from, and how two versions differ."""
