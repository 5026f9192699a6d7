"""One run: plan, make what is stale, write the index page, record in DVC. Both doors, Prefect's and DVC's, end here."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.engine.item import Outcome, frame_count, locked, make
from flows.engine.plan import NOT_MADE, Item, State, plan
from flows.engine.project import STATE, Project
from flows.engine.record import record as record_in_dvc
from flows.engine.schedule import Submit, schedule
from flows.engine.sweep import sweep, sweep_parts
from flows.index import refresh_index

log = logging.getLogger("semflow")


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    moved: tuple[str, ...]
    """Artifacts of videos that are gone, moved to .semflow/removed."""
    unrecorded: Mapping[str, str]
    """Stages that DVC could not record, and why."""
    index: str
    """The page over all videos."""

    @property
    def good(self) -> bool:
        """Whether every item is there and fresh."""
        return all(outcome.good for outcome in self.outcomes)

    @property
    def settled(self) -> bool:
        """Whether every item is good, or its fault is recorded: nothing is left that another run could mend."""
        return all(outcome.good or outcome.recorded for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {**asdict(self), "good": self.good}


def stale(states: Mapping[Item, State]) -> list[Item]:
    """The items that a run would have to make."""
    return [item for item, state in states.items() if state.standing == "stale"]


def bring_up_to_date(
    project: Project,
    videos: Sequence[str] | None = None,
    stages: Sequence[str] | None = None,
    submit: Submit | None = None,
    record: bool = True,
) -> Summary:
    """Make every stale item of `videos` and `stages` (all by default); without `submit`, in threads of this process.

    Raises SemflowError where another run holds the project. An item's failure never ends the run.
    """
    began = time.perf_counter()
    with locked(project):
        moved = sweep(project)
        states = plan(project, videos, stages)
        outcomes = [settled(project, state) for state in states.values() if state.standing != "stale"]
        todo = stale(states)
        if submit is not None or not todo:
            outcomes += _follow(project, states, submit or _never, len(todo))
        else:
            workers = worker_count(project)
            with ThreadPoolExecutor(workers, thread_name_prefix="item") as pool:
                outcomes += _follow(project, states, _in_threads(project, pool), len(todo))
        project.hashes.save()
        final = plan(project) if todo or videos is not None or stages is not None else states
        sweep_parts(project, final.values())
        index = refresh_index(project, final) if stages is None or "report" in stages else None
        unrecorded = record_in_dvc(project, final) if record else {}
        project.hashes.save()
    summary = Summary(
        outcomes=_in_order(project, outcomes),
        seconds=time.perf_counter() - began,
        moved=tuple(map(str, moved)),
        unrecorded=unrecorded,
        index=str(index or ""),
    )
    if todo:
        _write_log(project, summary)
    return summary


def settled(project: Project, state: State) -> Outcome:
    """The Outcome of an item that needs no work, or that cannot have any."""
    item = state.item
    if state.standing == "fresh":
        return Outcome(item.video, item.stage, "reused", frames=frame_count(project, item.video))
    result = "failed" if state.standing == "failed" else "blocked"
    return Outcome(item.video, item.stage, result, error=state.reason, recorded=not state.reason.endswith(NOT_MADE))


def worker_count(project: Project) -> int:
    """Items in hand at once."""
    return project.compute.workers or os.cpu_count() or 1


def _follow(project: Project, states: Mapping[Item, State], submit: Submit, count: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for outcome in schedule(project, states, submit, worker_count(project)):
        outcomes.append(outcome)
        level = logging.INFO if outcome.good else logging.ERROR
        log.log(level, "[%d/%d] %s", len(outcomes), count, outcome)
        project.hashes.save()
    return outcomes


def _in_threads(project: Project, pool: ThreadPoolExecutor) -> Submit:
    stages = {stage.name: stage for stage in project.stages}
    return lambda item, _: pool.submit(make, project, stages[item.stage], item.video)


def _never(item: Item, before: list[Any]) -> Any:
    raise AssertionError(f"{item} is stale though nothing was: a bug in semflow ({before})")


def _in_order(project: Project, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    place = {stage.name: n for n, stage in enumerate(project.stages)}
    return tuple(sorted(outcomes, key=lambda o: (o.video, place[o.stage])))


def _write_log(project: Project, summary: Summary) -> None:
    """Times and hosts belong here and in no recipe: one line per run."""
    entry = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        **summary.as_json(),
    }
    path: Path = project.root / STATE / "runs.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
