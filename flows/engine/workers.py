"""The interface of what computes items (worker processes, or this process), and the events that it reports."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from flows.engine.job import Job, JobResult
from flows.engine.outcome import Item, Step


class ItemProgress(NamedTuple):
    """The current item of a worker made progress."""

    item: Item
    step: Step


class WorkerLog(NamedTuple):
    """A worker logged a line."""

    level: int
    message: str


class JobEnded(NamedTuple):
    """A worker sent the result of a job."""

    item: Item
    done: JobResult


class WorkerDied(NamedTuple):
    """A worker died, or was killed, while it computed an item."""

    item: Item
    reason: str
    seconds: float


WorkerEvent = ItemProgress | WorkerLog | JobEnded | WorkerDied


class Workers(Protocol):
    """Executes jobs, at most `size` at once."""

    size: int
    """How many items can be in hand at once."""

    @property
    def started_count(self) -> int:
        """How many workers are there by now; a further one takes time to start."""
        ...

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        """Give a job to a free worker, which is killed after `limit_s` seconds; returns the worker's number."""
        ...

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        """Events since the last call; waits at most `timeout_s` seconds for the first."""
        ...

    def close(self) -> None:
        """Kill all workers at once."""
        ...
