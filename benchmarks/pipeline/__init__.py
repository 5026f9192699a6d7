"""What an hour of video costs, stage by stage: `python -m benchmarks.pipeline` (see command.py)."""

from benchmarks.pipeline.command import main

__all__ = ["main"]
