"""Scripted runs: what an engine would tell its observers."""

from __future__ import annotations

from flows.engine.outcome import Item, Outcome, Summary
from flows.prefect_door.prefect_mirror import PrefectMirror

READ_ONE, COUNT_ONE, READ_TWO = Item("one", "read"), Item("one", "count"), Item("two", "read")
DELAYS_S = (1.0, 10.0)


def make_mirror(**options: object) -> PrefectMirror:
    """A mirror that knows the code of `read` and that `count` reads `read`."""
    sources = {COUNT_ONE: [READ_ONE]}
    return PrefectMirror(
        {"read": "abc123"},
        lambda item: sources.get(item, []),
        retry_delays_s=DELAYS_S,
        **options,  # type: ignore[arg-type]
    )


def make_summary(*outcomes: Outcome, interrupted: int = 0, index: str = "") -> Summary:
    return Summary(outcomes, 1.0, (), {}, index, interrupted=interrupted)


def open_quietly(
    mirror: PrefectMirror, root: str = "/data/project", flow_run_id: str | None = None
) -> list[list[object]]:
    """The opening message, as `open` would send it to a process."""
    opening = {"root": root, "videos": None, "stages": None, "versions": {"read": "abc123"}}
    return [["open", opening | {"retry_delays_s": list(DELAYS_S), "flow_run_id": flow_run_id}]]


def made(item: Item, seconds: float = 0.5) -> Outcome:
    return Outcome(item.video, item.stage, "computed", seconds)


def failed(item: Item, error: str = "the file is cut off", recorded: bool = False) -> Outcome:
    return Outcome(item.video, item.stage, "failed", 0.1, error=error, recorded=recorded)


def blocked(item: Item, recorded: bool = False) -> Outcome:
    return Outcome(item.video, item.stage, "blocked", error="after read", recorded=recorded)
