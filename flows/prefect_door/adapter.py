"""Where this door meets the engine: one run told to an observer, and the mirror that suits a project."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from flows.engine import plan as plans
from flows.engine.item import make
from flows.engine.outcome import Item, Observer, Outcome, Summary
from flows.engine.project import Project
from flows.engine.run import bring_up_to_date, stale, worker_count
from flows.prefect_door.mirror import PrefectMirror, Say
from tasks.content import digest
from tasks.errors import SemflowError
from tasks.fingerprint import fingerprint

RETRY_DELAYS_S = (1.0, 10.0)
"""Waits before the second and the third try of what may pass by itself: a full disk cache, a busy accelerator."""


def mirror_project(
    project: Project, flow_run_id: str | None = None, api_url: str | None = None, say: Say | None = None
) -> PrefectMirror:
    """The mirror of a run of `project`: its stages by the fingerprint of their code, its items by what they read."""

    def reads(item: Item) -> Sequence[Item]:
        return [Item(source.video, source.stage) for source in plans.sources(project, plans.Item(*item))]

    versions = {stage.name: digest(fingerprint(stage.module)) for stage in project.stages}
    return PrefectMirror(
        versions, reads, retry_delays_s=RETRY_DELAYS_S, flow_run_id=flow_run_id, api_url=api_url, say=say
    )


def run_engine(project: Project, videos: Sequence[str] | None, observer: Observer) -> Summary:
    """Bring `videos` (None: all) up to date and tell `observer`; an exception in this thread ends the run at once."""
    todo = stale(plans.plan(project, videos))
    workers = worker_count(project)
    observer.planned([Item(item.video, item.stage) for item in todo], {}, workers)
    told: set[Item] = set()
    pool = _Threads(workers)
    stages = {stage.name: stage for stage in project.stages}

    def attempt(item: Item, worker: int) -> Outcome:
        outcome = _try(lambda: make(project, stages[item.stage], item.video), item, worker, observer)
        told.add(item)
        observer.ended(outcome, True)
        return outcome

    def submit(item: plans.Item, before: list[Any]) -> Future[Outcome]:
        del before  # the engine submits what is ready
        return pool.submit(lambda worker: attempt(Item(item.video, item.stage), worker))

    done = bring_up_to_date(project, videos, submit=submit)
    outcomes = tuple(_translate(outcome) for outcome in done.outcomes)
    for outcome in outcomes:
        if outcome.item not in told:
            observer.ended(outcome, True)
    summary = Summary(outcomes, done.seconds, done.moved, done.unrecorded, done.index)
    observer.finished(summary)
    return summary


def _try(make_item: Callable[[], Any], item: Item, worker: int, observer: Observer) -> Outcome:
    for attempt, delay in enumerate((*RETRY_DELAYS_S, None), start=1):
        observer.started(item, worker, attempt)
        began = time.perf_counter()
        try:
            return _translate(make_item())
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            outcome = Outcome(item.video, item.stage, "failed", time.perf_counter() - began, error=words)
            if delay is None or not _may_pass(error):
                return outcome
            observer.ended(outcome, False)
            time.sleep(delay)
    raise AssertionError("the last try returns")


def _may_pass(error: Exception) -> bool:
    """Whether a failure may pass by itself: the machine's (I/O, memory), not the input's or the code's."""
    if isinstance(error, SemflowError):
        return False
    return isinstance(error, OSError | MemoryError) or type(error).__name__ in ("OutOfMemoryError", "AcceleratorError")


def _translate(outcome: Any) -> Outcome:
    return Outcome(
        outcome.video, outcome.stage, outcome.result, outcome.seconds, outcome.frames, outcome.error, outcome.recorded
    )


class _Threads:
    """Worker threads that end with the process: what is in hand does not hold up an interrupt."""

    def __init__(self, count: int) -> None:
        self._work: queue.SimpleQueue[tuple[Future[Outcome], Callable[[int], Outcome]]] = queue.SimpleQueue()
        for number in range(count or os.cpu_count() or 1):
            threading.Thread(target=self._serve, args=(number,), daemon=True, name=f"item-{number}").start()

    def submit(self, call: Callable[[int], Outcome]) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self._work.put((future, call))
        return future

    def _serve(self, number: int) -> None:
        while True:
            future, call = self._work.get()
            try:
                future.set_result(call(number))
            except BaseException as error:
                future.set_exception(error)
