"""One run: plan, make what is stale, write the index page, record in DVC. Both doors, Prefect's and DVC's, end here."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from flows.engine.atomic_files import PARTIAL_FOLDER, hold_lock_file, remove_path
from flows.engine.dvc_commit import commit_to_dvc as record_in_dvc
from flows.engine.dvc_yaml import check_dvc_yaml
from flows.engine.interrupt import Interrupted, SignalState, handle_signals
from flows.engine.job import Job, JobResult, WorkerSetup
from flows.engine.memory import total_bytes
from flows.engine.outcome import Item, Observer, Outcome, Summary
from flows.engine.plan import ONLY_IN_REMOTE, ItemState, Plan, list_stale, select_items
from flows.engine.project import STATE, Project
from flows.engine.raw_pointer import update_raw_pointer
from flows.engine.recipe import RECIPE_FOLDER as RECIPES
from flows.engine.remove_orphans import remove_orphans, remove_stale_checkpoints
from flows.engine.run_items import ItemRunner, make_outcome
from flows.engine.status_file import StatusFile
from flows.engine.timings import DurationEstimates
from flows.engine.worker_pool import GB, InlineWorkers, WorkerPool, Workers
from flows.overview.index import refresh_index
from tasks.errors import SemflowError

LOCK_FILE = "lock"
"""File under the state folder that a run holds, its process number in it."""
MEMORY_SHARE = 0.85
"""Of the machine's memory, for all workers together."""
MIN_WORKER_BYTES = 2.5 * GB
"""The networks of a worker and a window of a video; with less for each, fewer workers run."""


PARALLEL_STAGES = 3
"""Stages of one video that can run at once: detection, dense flow and features, for most of the time."""


def run_stale_items(
    project: Project,
    videos: Sequence[str] | None = None,
    *,
    stages: Sequence[str] | None = None,
    observers: Sequence[Observer] = (),
    record: bool = True,
    retry_failed: bool = False,
    pull: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Summary:
    """Make every stale item of `videos` and `stages` (all by default) in worker processes, and record what is proven.

    `pull`: items whose bytes are in the remote alone are brought here too. Raises SemflowError where another run holds
    the project. Neither an item's failure nor a signal raises: the summary says so.
    """
    began = time.perf_counter()
    observers = (*observers, StatusFile(project.root))
    unrecorded: dict[str, str] = {}
    with hold_project(project), handle_signals() as signals:
        outcomes: dict[Item, Outcome] = {}
        moved: list[Path] = []
        index: Path | None = None
        expected: float | None = None
        order: list[Item] = []
        notes = list(project.notes)
        try:
            signals.enable_raising()
            plan = Plan.examine_project(project)
            moved = remove_orphans(project, plan)
            if retry_failed:
                _retry(project, plan)
            states = _wanted(plan, select_items(plan, videos, stages), pull)
            order = list(states)
            outcomes |= {state.item: make_outcome(state) for state in states.values() if state.status != "stale"}
            if list_stale(states):
                expected = _follow(plan, states, outcomes, observers=observers, signals=signals, stopped=stopped)
            remove_stale_checkpoints(project, plan.states.values())
            if not stopped():
                if stages is None or "report" in stages:
                    index = _refresh_index(project, plan, notes)
                if record:
                    unrecorded = record_in_dvc(project, plan)
                elif stages is not None:
                    # DVC is about to record these stages: what it finds must be what `record` would leave.
                    notes += [words for words in [check_dvc_yaml(project)] if words]
                    update_raw_pointer(project, stages)
                    project.recipe_store.remove_methods(
                        name for name in project.recipe_store.find_unused_methods() if name[0] in stages
                    )
            signals.disable_raising()
        except Interrupted:
            pass  # the summary says it
        for item in order:
            outcomes.setdefault(item, Outcome(item.video, item.stage, "stopped", error="the run was interrupted"))
        project.state.flush()
        summary = Summary(
            outcomes=_in_order(project, outcomes.values()),
            seconds=time.perf_counter() - began,
            moved=tuple(map(str, moved)),
            unrecorded=unrecorded,
            index=str(index or ""),
            notes=tuple(notes),
            interrupted=signals.ended_by or (15 if stopped() else 0),
            expected_s=expected,
        )
        for observer in observers:
            observer.on_finished(summary)
    if any(outcome.result not in ("reused", "remote") for outcome in summary.outcomes):
        _write_log(project, summary)
    return summary


def worker_count(project: Project) -> int:
    """Worker processes: `compute.workers`, or one per processor as far as memory goes."""
    asked = int(project.compute["workers"])
    return asked or max(1, min(processor_count(), int(total_bytes() * MEMORY_SHARE / MIN_WORKER_BYTES)))


def processor_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_workers(project: Project, todo: Iterable[Item]) -> Workers:
    """The workers of a run; with few videos to make, each may use several threads (see tasks/threads.py)."""
    if project.pipeline is None:
        return InlineWorkers(_perform_here(project))
    size = worker_count(project)
    memory = float(project.compute.get("worker_memory_gb") or 0.0) * GB
    at_once = min(size, PARALLEL_STAGES * len({item.video for item in todo}))
    setup = WorkerSetup(
        str(project.root), project.pipeline, project.compute, max(1, processor_count() // max(1, at_once))
    )
    return WorkerPool(setup, size, memory or total_bytes() * MEMORY_SHARE / size)


@contextmanager
def hold_project(project: Project) -> Generator[None]:
    """Hold the project for one run, and clear away what a killed one left; a second run is told so."""
    path = project.root / STATE / LOCK_FILE
    with hold_lock_file(path) as mine:
        if not mine:
            raise SemflowError(
                f"{project.root} must have one run at a time, got another one under way (process "
                f"{path.read_text() or 'unknown'}); wait for it to end"
            )
        _clear_partial(project)
        try:
            yield
        finally:
            _clear_partial(project)


def _follow(
    plan: Plan,
    states: dict[Item, ItemState],
    outcomes: dict[Item, Outcome],
    *,
    observers: Sequence[Observer],
    signals: SignalState,
    stopped: Callable[[], bool],
) -> float | None:
    """Make what is stale; fills `outcomes` also where it is interrupted. Gives the item seconds that were expected."""
    project = plan.project
    timings = DurationEstimates.from_state(project.state)
    workers = make_workers(project, list_stale(states))
    following = ItemRunner(
        plan,
        states,
        workers,
        observers,
        timings,
        signals=signals,
        limit_s=float(project.compute.get("item_timeout_s") or 0.0),
        stopped=stopped,
        outcomes=outcomes,
    )
    try:
        following.run()
    finally:
        workers.close()
    made = [outcome.item for outcome in outcomes.values() if outcome.result == "computed"]
    expected = timings.estimate_items(made)
    return sum(expected.values()) if made and len(expected) == len(made) else None


def _refresh_index(project: Project, plan: Plan, notes: list[str]) -> Path | None:
    """The page over all videos; what keeps it from being written is a note, for the data is good without it."""
    try:
        return refresh_index(project, plan)
    except Exception as error:
        notes.append(f"reports/index.html was not written: {type(error).__name__}: {error}")
        return None


def _wanted(plan: Plan, states: dict[Item, ItemState], pull: bool) -> dict[Item, ItemState]:
    """`states`, those items in the remote that something stale reads (with `pull`, all of them) to be brought here."""
    read: set[Item] = set()
    for item, state in states.items():
        if state.status == "stale":
            read.update(plan.find_sources(item))
    for item in [*states, *read]:
        state = plan.states[item]
        if state.status == "remote" and (pull or item in read):
            states[item] = state._replace(status="stale", reason=ONLY_IN_REMOTE, outputs={})
            plan.states[item] = states[item]
    return states


def _retry(project: Project, plan: Plan) -> None:
    """Make every recorded fault an item that was never made."""
    for item, state in list(plan.states.items()):
        if state.status == "failed":
            project.recipe_store.remove_recipe(item.stage, project.artifact_stem(item.video))
    project.state.clear_deaths()
    for declaration in project.declarations:
        for video in project.list_owners(declaration):
            plan.set_state(plan.examine_item(declaration, video))


def _perform_here(project: Project) -> Callable[[Job], JobResult]:
    from flows.engine.job_execution import execute_job

    stages = {stage.name: stage for stage in project.stages}
    return lambda job: execute_job(job, stages[job.stage], project.params, project.root)


def _clear_partial(project: Project) -> None:
    for declaration in project.declarations:
        for folder in (*(kind.folder for kind in declaration.outputs), f"{RECIPES}/{declaration.name}"):
            remove_path(project.root / folder / PARTIAL_FOLDER)


def _in_order(project: Project, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    place = {declaration.name: n for n, declaration in enumerate(project.declarations)}
    return tuple(sorted(outcomes, key=lambda o: (o.video, place[o.stage])))


def _write_log(project: Project, summary: Summary) -> None:
    """Times and hosts belong here and in no recipe: one line per run, of what was not simply reused."""
    done = [outcome.to_dict() for outcome in summary.outcomes if outcome.result not in ("reused", "remote")]
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **summary.to_dict(),
        "outcomes": done,
    }
    try:
        with (project.root / STATE / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
    except OSError:
        return  # a full disk must not end a run that is over
