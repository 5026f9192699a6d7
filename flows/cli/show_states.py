"""Print the states of items, as `semflow plan` and `semflow why` do, with what a run would take."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from flows.cli.command_options import print_json
from flows.cli.console import count_states, show_plan
from flows.cli.plan_line import PlanLine
from flows.cli.run_forecast import Forecast, describe_forecast, describe_shortage, forecast_items
from flows.engine.compute_items import count_workers
from flows.engine.item_state import UP_TO_DATE, ItemState
from flows.engine.project import Project
from flows.engine.timings import DurationEstimates


def show_states(project: Project, states: Sequence[ItemState], *, each: bool, as_json: bool) -> int:
    """Print the states, each on a line of its own or by stage and reason; gives the exit code, and closes the project.

    The exit code is 1 where an item failed or is blocked.
    """
    timings = DurationEstimates.from_state(project.state)
    lines = [_make_line(state, timings) for state in states]
    stale = [state.item for state in states if state.status == "stale"]
    workers = count_workers(project)
    forecast = forecast_items(project, stale, workers) if stale else None
    if as_json:
        _print_states(project, lines, forecast)
    else:
        show_plan(None, lines, [declaration.name for declaration in project.declarations], each)
        notes = list(project.notes)
        if forecast is not None:
            notes += [describe_forecast(forecast, workers), describe_shortage(project, forecast)]
        sys.stdout.write("".join(f"{note}\n" for note in notes if note))
    project.close()
    return 0 if all(line.status in (*UP_TO_DATE, "stale") for line in lines) else 1


def _make_line(state: ItemState, timings: DurationEstimates) -> PlanLine:
    length = timings.lengths.get(state.item.video)
    return PlanLine(
        state.item,
        state.status,
        state.reason,
        timings.estimate_item(state.item) if state.status == "stale" else None,
        sum(size for files in state.outputs.values() for _, size in files.values()),
        0.0 if length is None else length.seconds,
    )


def _print_states(project: Project, lines: Sequence[PlanLine], forecast: Forecast | None) -> None:
    items = [
        {
            "video": line.item.video,
            "stage": line.item.stage,
            "state": line.status,
            "why": line.reason,
            "expected_s": line.expected_s,
            "bytes": line.bytes,
        }
        for line in lines
    ]
    run = None if forecast is None else forecast.to_dict()
    print_json({"items": items, "counts": count_states(lines), "run": run, "notes": list(project.notes)})
