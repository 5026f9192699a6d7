"""Compute the stale items of a run in worker processes on this machine."""

from __future__ import annotations

from collections.abc import Iterable

from flows.engine.compute_protocol import ItemsToCompute
from flows.engine.inline_workers import make_inline_workers
from flows.engine.item_state import list_stale
from flows.engine.job import WorkerSetup
from flows.engine.memory import total_bytes
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.run_items import ItemRunner
from flows.engine.timings import DurationEstimates
from flows.engine.worker_pool import GB, WorkerPool
from flows.engine.workers import Workers
from tasks.threads import count_processors

MEMORY_SHARE = 0.85
"""Share of the machine's memory that all workers together may use."""
MIN_WORKER_BYTES = 2.5 * GB
"""Memory of one worker: its networks and a window of a video. With less memory per processor, fewer workers run."""
PARALLEL_STAGES = 3
"""Stages of one video that can run at the same time for most of a run: detection, dense flow and features."""


def count_workers(project: Project) -> int:
    """Number of worker processes: `compute.workers`, or one per processor as far as memory allows."""
    asked = int(project.compute["workers"])
    return asked or max(1, min(count_processors(), int(total_bytes() * MEMORY_SHARE / MIN_WORKER_BYTES)))


def make_workers(project: Project, todo: Iterable[Item]) -> Workers:
    """The workers of a run; with few videos in `todo`, each may use several threads (see tasks/threads.py)."""
    if project.pipeline is None:
        return make_inline_workers(project, project.root)
    size = count_workers(project)
    memory = float(project.compute.get("worker_memory_gb") or 0.0) * GB
    at_once = min(size, PARALLEL_STAGES * len({item.video for item in todo}))
    setup = WorkerSetup(
        str(project.root), project.pipeline, project.compute, max(1, count_processors() // max(1, at_once))
    )
    return WorkerPool(setup, size, memory or total_bytes() * MEMORY_SHARE / size)


def compute_items(work: ItemsToCompute) -> float | None:
    """Compute the stale items in worker processes on this machine; see ComputeItems."""
    project, outcomes = work.plan.project, work.outcomes
    timings = DurationEstimates.from_state(project.state)
    workers = make_workers(project, list_stale(work.states))
    runner = ItemRunner(
        work.plan,
        work.states,
        workers,
        work.observers,
        timings,
        signals=work.signals,
        limit_s=float(project.compute.get("item_timeout_s") or 0.0),
        stopped=work.stopped,
        outcomes=outcomes,
    )
    try:
        runner.run()
    finally:
        workers.close()
    made = [outcome.item for outcome in outcomes.values() if outcome.result == "computed"]
    expected = timings.estimate_items(made)
    return sum(expected.values()) if made and len(expected) == len(made) else None
