"""`semflow view`: the reports served on this machine alone, with what a run under way has finished."""
