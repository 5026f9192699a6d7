"""How a run ended, in Prefect's terms: the state of its flow run and the table of what became of its items.

Pure: the run and the deployed flows ask the same functions, and neither Prefect nor the engine is needed to test them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.engine.outcome import Item, Outcome, Summary

StateType = Literal["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]
FAULTS_ON_RECORD = "FaultsOnRecord"
"""Name of the Completed state of a run that met only faults known before it."""
MAX_REASON = 300
"""Characters of a reason in the message of a state; the whole of it is in the log of the task run."""
MAX_ROWS = 500
"""Items in the table of a run; of bigger runs it lists the items that are not good, and counts by stage."""


@dataclass(frozen=True)
class FlowRunState:
    """The last state of a flow run."""

    type: StateType
    name: str
    message: str


def decide_final_state(summary: Summary, attempted: Container[Item]) -> FlowRunState:
    """The state that a run ends in; `attempted` holds the items that a worker took up in it.

    A fault that lay recorded before the run began was not attempted in it: such faults alone leave the run Completed,
    so that a night that went as the one before does not raise an alarm.
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
    # Failures come before what they block: they are what somebody has to look at.
    bad = sorted((outcome for outcome in outcomes if not outcome.is_good), key=lambda o: o.result != "failed")
    return rows + [_row(outcome) for outcome in bad[:MAX_ROWS]]


def shorten_reason(reason: str, limit: int = MAX_REASON) -> str:
    """`reason`, cut off where it is longer than a message should be."""
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
