"""How a run shows in Prefect: a flow run with a task run per item, written by a process of its own beside the run."""
