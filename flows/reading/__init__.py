"""Reading a data set: working copies and git revisions, tables as one data set, tensors, windows for training."""
