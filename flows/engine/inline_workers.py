"""Compute items in this process, one after the other, for stages that other processes cannot import (tests)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flows.engine.job import Job, JobResult
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.workers import JobEnded, WorkerEvent


@dataclass
class InlineWorkers:
    """Computes the queued items in this process when `wait_events` is called."""

    execute: Callable[[Job], JobResult]
    size: int = 1
    _waiting: list[tuple[Item, Job]] = field(default_factory=list[tuple[Item, Job]])

    @property
    def started_count(self) -> int:
        """This process computes all items, and is there."""
        return self.size

    def start_job(self, item: Item, job: Job, limit_s: float) -> int:
        """Queue the item; it is computed in `wait_events`, after observers are notified that it started."""
        del limit_s
        self._waiting.append((item, job))
        return 0

    def wait_events(self, timeout_s: float) -> list[WorkerEvent]:
        """Compute the queued items and give their results."""
        if not self._waiting:
            time.sleep(min(timeout_s, 0.01))
        waiting, self._waiting = self._waiting, []
        return [JobEnded(item, self.execute(job)) for item, job in waiting]

    def close(self) -> None:
        """Do nothing: there is no process to end."""


def make_inline_workers(project: Project, root: Path) -> InlineWorkers:
    """Workers that execute the jobs of `project` in this process and keep temporary files below `root`."""
    from flows.engine.job_execution import execute_job

    stages = {stage.name: stage for stage in project.stages}
    return InlineWorkers(lambda job: execute_job(job, stages[job.stage], project.params, root))
