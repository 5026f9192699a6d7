"""Show a run in Prefect: a flow run with a task run per item, written by a separate process beside the run."""
