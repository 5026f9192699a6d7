"""The interface of what computes items (worker processes, or this process), and the events that it reports."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from flows.engine.job import Job, JobResult
from flows.engine.outcome import Item, Step


class ItemProgress(NamedTuple):
    """An item in hand came a step further."""

    item: Item
    step: Step


class WorkerLog(NamedTuple):
    """A worker logged a line."""

    level: int
    message: str


class JobEnded(NamedTuple):
    """A job was answered."""

    item: Item
    done: JobResult


class WorkerDied(NamedTuple):
    """The worker died, or was ended, over an item."""

    item: Item
    reason: str
    seconds: float


WorkerEvent = ItemProgress | WorkerLog | JobEnded | WorkerDied


class Workers(Protocol):
    """Something that makes items."""

    size: int

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        """Hand a job to a free worker, ended after `limit_s` seconds; the worker's number."""
        ...

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        """What has happened, waiting for it if nothing has, at most so long."""
        ...

    def close(self) -> None:
        """End all workers at once, whatever they do."""
        ...
