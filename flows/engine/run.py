"""One run: plan, compute stale items, write the index page, record in DVC; called by the CLI, Prefect and DVC."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from flows.engine.compute_protocol import ComputeItems
from flows.engine.dropped_artifacts import add_items_to_restore, drop_read_artifacts, mark_absent, reads_dropped
from flows.engine.dvc_commit import commit_to_dvc
from flows.engine.dvc_yaml import check_dvc_yaml
from flows.engine.inline_workers import make_inline_workers
from flows.engine.interrupt import Interrupted, SignalState, handle_signals
from flows.engine.job import WorkerSetup
from flows.engine.memory import total_bytes
from flows.engine.metrics_file import write_metrics
from flows.engine.outcome import Item, Observer, Outcome, Summary
from flows.engine.plan import ItemState, Plan, list_stale, select_items
from flows.engine.project import STATE, Project
from flows.engine.project_lock import hold_project
from flows.engine.raw_pointer import update_raw_pointer
from flows.engine.remove_orphans import remove_orphans, remove_stale_checkpoints
from flows.engine.run_items import ItemRunner, make_outcome
from flows.engine.run_telemetry import make_telemetry
from flows.engine.status_file import StatusFile
from flows.engine.timings import DurationEstimates
from flows.engine.worker_pool import GB, WorkerPool
from flows.engine.workers import Workers
from flows.overview.index import refresh_index, remember_entries, state_errors
from tasks.errors import SemflowError
from tasks.threads import count_processors

T = TypeVar("T")
MEMORY_SHARE = 0.85
"""Share of the machine's memory that all workers together may use."""
MIN_WORKER_BYTES = 2.5 * GB
"""Memory of one worker: its networks and a window of a video. With less memory per processor, fewer workers run."""
PARALLEL_STAGES = 3
"""Stages of one video that can run at the same time for most of a run: detection, dense flow and features."""


def run_stale_items(  # noqa: PLR0913  one keyword per question that a caller has
    project: Project,
    videos: Sequence[str] | None = None,
    *,
    stages: Sequence[str] | None = None,
    observers: Sequence[Observer] = (),
    record: bool = True,
    retry_failed: bool = False,
    pull: bool = False,
    stopped: Callable[[], bool] = lambda: False,
    compute: ComputeItems | None = None,
) -> Summary:
    """Compute every stale item of `videos` and `stages` (all by default) in worker processes, and record in DVC the
    stages whose items are all done.

    `pull`: fetch also items whose bytes are only in the remote. `compute`: computes the items, in place of this
    machine's workers (flows/agents). Raises SemflowError where another run holds the project's lock. Failures of items
    and signals do not raise; they are in the summary.
    """
    began = time.perf_counter()
    observers = (*observers, StatusFile(project.root), *make_telemetry())
    with hold_project(project), handle_signals() as signals:
        progress = _RunState(notes=list(project.notes))
        try:
            signals.enable_raising()
            plan = Plan.examine_project(project)
            progress.moved = remove_orphans(project, plan)
            if retry_failed:
                _reset_failures(project, plan)
            states = select_items(plan, videos, stages)
            if reads_dropped(plan, states):
                states = _restore_known(plan, states, progress.outcomes, signals=signals, stopped=stopped)
            states = add_items_to_restore(plan, states, pull)
            progress.order = list(states)
            fresh = [state for state in states.values() if state.status != "stale"]
            progress.outcomes = {state.item: make_outcome(state) for state in fresh} | progress.outcomes
            has_work = bool(list_stale(states))
            if has_work:
                progress.expected_s = (compute or compute_items)(
                    plan, states, progress.outcomes, observers=observers, signals=signals, stopped=stopped
                )
            remove_stale_checkpoints(project, plan.states.values())
            if not stopped():
                has_index = stages is None or "report" in stages
                progress.index = _drop_and_index(plan, progress, has_index=has_index, has_work=has_work)
                if record:
                    progress.unrecorded = commit_to_dvc(project, plan)
                elif stages is not None:
                    progress.notes += _prepare_dvc_commit(project, stages)
            signals.disable_raising()
        except Interrupted:
            pass  # the summary names the signal
        project.state.flush()
        summary = _summarise(project, progress, time.perf_counter() - began, signals.ended_by or 15 * stopped())
        for observer in observers:
            observer.on_finished(summary)
    if any(outcome.result not in ("reused", "remote") for outcome in summary.outcomes):
        _append_run_log(project, summary)
    return summary


def restore_artifacts(project: Project, items: Sequence[Item], observers: Sequence[Observer] = ()) -> None:
    """Compute or fetch `items` that are up to date but whose bytes are not here; the next run deletes them again.

    Raises SemflowError where an item cannot be restored, or where another run holds the project's lock.
    """
    with hold_project(project), handle_signals() as signals:
        restore_planned(Plan.examine_project(project), items, observers, signals)


def restore_planned(plan: Plan, items: Sequence[Item], observers: Sequence[Observer], signals: SignalState) -> None:
    """The same for a plan whose project's lock is held; the plan's states are replaced."""
    states = mark_absent(plan, items)
    outcomes: dict[Item, Outcome] = {}
    if list_stale(states):
        compute_items(plan, states, outcomes, observers=observers, signals=signals, stopped=lambda: False)
    plan.project.state.flush()
    for item in items:
        state = plan.states[item]
        if state.status != "fresh":
            reason = (outcomes[item].error if item in outcomes else "") or state.reason or state.status
            raise SemflowError(f"{item} must be up to date, got {state.status}: {reason}; run `semflow run` first")


@dataclass
class _RunState:
    """The results of a run so far, from which the summary is made also after an interruption."""

    notes: list[str]
    order: list[Item] = field(default_factory=list[Item])
    outcomes: dict[Item, Outcome] = field(default_factory=dict[Item, Outcome])
    moved: list[Path] = field(default_factory=list[Path])
    index: Path | None = None
    expected_s: float | None = None
    unrecorded: Mapping[str, str] = field(default_factory=dict[str, str])


def _summarise(project: Project, progress: _RunState, seconds: float, interrupted: int) -> Summary:
    """The summary of the run; items without an outcome count as stopped."""
    for item in progress.order:
        progress.outcomes.setdefault(item, Outcome(item.video, item.stage, "stopped", error="the run was interrupted"))
    return Summary(
        outcomes=_sort_outcomes(project, progress.outcomes.values()),
        seconds=seconds,
        moved=tuple(map(str, progress.moved)),
        unrecorded=progress.unrecorded,
        index=str(progress.index or ""),
        notes=tuple(progress.notes),
        interrupted=interrupted,
        expected_s=progress.expected_s,
    )


def _prepare_dvc_commit(project: Project, stages: Sequence[str]) -> list[str]:
    """Prepare the files that `dvc repro` records after these stages, as `commit_to_dvc` would; gives notes."""
    notes = [problem for problem in [check_dvc_yaml(project)] if problem]
    update_raw_pointer(project, stages)
    store = project.recipe_store
    store.remove_methods(name for name in store.find_unused_methods() if name[0] in stages)
    for stage in stages:
        write_metrics(project, project.by_name[stage])
    return notes


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


def compute_items(
    plan: Plan,
    states: dict[Item, ItemState],
    outcomes: dict[Item, Outcome],
    *,
    observers: Sequence[Observer],
    signals: SignalState,
    stopped: Callable[[], bool],
) -> float | None:
    """Compute the stale items in worker processes on this machine; see ComputeItems."""
    project = plan.project
    timings = DurationEstimates.from_state(project.state)
    workers = make_workers(project, list_stale(states))
    runner = ItemRunner(
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
        runner.run()
    finally:
        workers.close()
    made = [outcome.item for outcome in outcomes.values() if outcome.result == "computed"]
    expected = timings.estimate_items(made)
    return sum(expected.values()) if made and len(expected) == len(made) else None


def _restore_known(
    plan: Plan,
    states: dict[Item, ItemState],
    outcomes: dict[Item, Outcome],
    *,
    signals: SignalState,
    stopped: Callable[[], bool],
) -> dict[Item, ItemState]:
    """Restore the stale items whose outputs are in DVC's cache, before artifacts are computed that only their readers
    would need; gives the states after it."""
    workers = make_workers(plan.project, list_stale(states))
    timings = DurationEstimates.from_state(plan.project.state)
    runner = ItemRunner(
        plan, states, workers, (), timings, signals=signals, stopped=stopped, outcomes=outcomes, restores_only=True
    )
    try:
        runner.run()
    finally:
        workers.close()
    for item, state in states.items():
        if state.status == "stale" and item not in outcomes:
            plan.set_state(plan.examine_item(plan.project.by_name[item.stage], item.video))
    return {item: plan.states[item] for item in states}


def _drop_and_index(plan: Plan, progress: _RunState, *, has_index: bool, has_work: bool) -> Path | None:
    """Delete the artifacts that are not kept, and write the index page where the run has one; gives its path."""
    if has_index and has_work:  # the entries are read from frames, which may be deleted next
        _call_for_index(remember_entries, plan, progress.notes)
    drop_read_artifacts(plan)
    state_errors(plan, progress.outcomes.values())
    return _call_for_index(refresh_index, plan, progress.notes) if has_index else None


def _call_for_index(call: Callable[[Project, Plan], T], plan: Plan, notes: list[str]) -> T | None:
    """A step towards the index page; an error becomes a note, since the data are complete without the page."""
    try:
        return call(plan.project, plan)
    except Exception as error:
        notes.append(f"reports/index.html was not written: {type(error).__name__}: {error}")
        return None


def _reset_failures(project: Project, plan: Plan) -> None:
    """Remove recorded faults and worker deaths, so that these items are computed again."""
    for item, state in list(plan.states.items()):
        if state.status == "failed":
            project.recipe_store.remove_recipe(item.stage, project.artifact_stem(item.video))
    project.state.clear_deaths()
    for declaration in project.declarations:
        for video in project.list_owners(declaration):
            plan.set_state(plan.examine_item(declaration, video))


def _sort_outcomes(project: Project, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    place = {declaration.name: n for n, declaration in enumerate(project.declarations)}
    return tuple(sorted(outcomes, key=lambda o: (o.video, place[o.stage])))


def _append_run_log(project: Project, summary: Summary) -> None:
    """Append the outcomes that were not reused to the run log, with times and host, which recipes do not contain."""
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
        return  # a full disk must not fail a run that has finished
