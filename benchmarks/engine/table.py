"""How long the table of a run takes to show."""

from __future__ import annotations

import io
import json
import sys
import time

from rich.console import Console

from flows.cli.console import show_summary
from flows.engine.outcome import Outcome, Summary


def time_table(repeats: int) -> float:
    """Seconds, the best of `repeats`, for the outcomes that come in as JSON on standard input."""
    outcomes = tuple(Outcome(**fields) for fields in json.load(sys.stdin))
    stages = list(dict.fromkeys(outcome.stage for outcome in outcomes))
    summary = Summary(outcomes, seconds=1.0, moved=(), unrecorded={}, index="reports/index.html")
    seconds: list[float] = []
    for _ in range(repeats):
        console = Console(file=io.StringIO(), width=100, force_terminal=True)
        began = time.perf_counter()
        show_summary(console, summary, stages)
        seconds.append(time.perf_counter() - began)
    return min(seconds)
