"""The final state of a run's flow run in Prefect, and the table of the outcomes of its items.

Pure functions, used by `semflow run` and by the deployed flows; they can be tested without Prefect and the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.engine.outcome import Item, Outcome, Summary

StateType = Literal["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]
FAULTS_ON_RECORD = "FaultsOnRecord"
"""Name of the Completed state of a run whose only failures were recorded before it."""
MAX_REASON = 300
"""Most characters of a reason in the message of a state; the full text is in the log of the task run."""
MAX_ROWS = 500
"""Most items in the table of a run; for larger runs it lists the items that are not good, and counts by stage."""


@dataclass(frozen=True)
class FlowRunState:
    """The final state of a flow run."""

    type: StateType
    name: str
    message: str


def decide_final_state(summary: Summary, attempted: Container[Item]) -> FlowRunState:
    """The final state of a run; `attempted` contains the items that a worker started in it.

    Faults that were recorded before the run are not attempted again; a run with only such faults is Completed, so that
    a nightly run with the same result as the one before does not raise an alarm.
    """
    total = len(summary.outcomes)
    if summary.interrupted:
        made = sum(outcome.is_good for outcome in summary.outcomes)
        return FlowRunState(
            "CANCELLED", "Cancelled", f"stopped by signal {summary.interrupted}; {made} of {total} items are good"
        )
    bad = [outcome for outcome in summary.outcomes if not outcome.is_good]
    tail = f"; DVC could not record {', '.join(summary.unrecorded)}" if summary.unrecorded else ""
    if not bad:
        return FlowRunState("COMPLETED", "Completed", f"{total} items are good{tail}")
    new = [outcome for outcome in bad if not outcome.recorded or outcome.item in attempted]
    failed = [outcome for outcome in new if outcome.result == "failed"] or new
    if not new:
        faults = sum(outcome.result == "failed" for outcome in bad)
        known = f"{total - len(bad)} of {total} items are good; {faults} faults on record as before{tail}"
        return FlowRunState("COMPLETED", FAULTS_ON_RECORD, known)
    first = f"{failed[0].item}: {shorten_reason(failed[0].error or failed[0].result)}"
    return FlowRunState(
        "FAILED", "Failed", f"{len(bad)} of {total} items are not good, {len(failed)} newly; first {first}{tail}"
    )


def make_result_table(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Rows of the table of a run: every item, or for big runs a row per stage and then the items that are not good."""
    if len(outcomes) <= MAX_ROWS:
        return [_row(outcome) for outcome in outcomes]
    stages: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        stages.setdefault(outcome.stage, []).append(outcome)
    rows = [_stage_row(stage, members) for stage, members in stages.items()]
    # Failures come before the items that they block, since these have to be looked at.
    bad = sorted((outcome for outcome in outcomes if not outcome.is_good), key=lambda o: o.result != "failed")
    return rows + [_row(outcome) for outcome in bad[:MAX_ROWS]]


def shorten_reason(reason: str, limit: int = MAX_REASON) -> str:
    """`reason`, cut to `limit` characters."""
    return reason if len(reason) <= limit else f"{reason[: limit - 1]}…"


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "video": outcome.video,
        "stage": outcome.stage,
        "result": outcome.result,
        "seconds": round(outcome.seconds, 2),
        "frames": outcome.frames,
        "error": shorten_reason(outcome.error or ""),
    }


def _stage_row(stage: str, members: Sequence[Outcome]) -> dict[str, Any]:
    counts = Counter(outcome.result for outcome in members)
    return {
        "video": f"{len(members)} items",
        "stage": stage,
        "result": ", ".join(f"{count} {result}" for result, count in counts.items()),
        "seconds": round(sum(outcome.seconds for outcome in members), 2),
        "frames": sum(outcome.frames for outcome in members),
        "error": "",
    }
