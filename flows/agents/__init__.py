"""Process a data set on several machines: a coordinator cuts it into batches, agents compute them, and the coordinator
accepts their results and records them once (docs/decisions/0016-agents.md)."""
