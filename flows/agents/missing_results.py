"""Items that no agent computes, and the outcomes that a run on agents reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flows.agents.results import ItemResult
from flows.engine.item_state import UP_TO_DATE, ItemState, make_outcome
from flows.engine.outcome import Item, Outcome
from flows.engine.plan import Plan


def describe_result(result: ItemResult) -> Outcome:
    """The outcome of an accepted result; what an agent found up to date counts as restored."""
    outcome = result.outcome
    return outcome if outcome.result in ("computed", "restored", "failed") else replace(outcome, result="restored")


def examine_waiting(plan: Plan, items: Iterable[Item]) -> list[ItemState]:
    """Examine stale items whose inputs are there by now; gives the states of those that are up to date, since what they
    read has the same content as before."""
    place = {declaration.name: n for n, declaration in enumerate(plan.project.declarations)}
    found: list[ItemState] = []
    for item in sorted(items, key=lambda item: place[item.stage]):
        if plan.states[item].status == "stale" and all(
            plan.states[source].status in UP_TO_DATE for source in plan.find_sources(item)
        ):
            state = plan.examine_item(plan.project.by_name[item.stage], item.video)
            plan.set_state(state)
            found += [state] if state.status != "stale" else []
    return found


def explain_missing(plan: Plan, item: Item, outcomes: Iterable[Outcome], error: str) -> Outcome:
    """The outcome of an item that nobody computed: what it waits for failed, or no agent finished it, for `error`."""
    state = plan.examine_item(plan.project.by_name[item.stage], item.video)
    if state.status != "stale":
        return make_outcome(state)
    failed = next((o for o in outcomes if o.video == item.video and o.result == "failed"), None)
    if failed is not None:
        return Outcome(item.video, item.stage, "blocked", error=f"after {failed.stage}")
    if error:
        return Outcome(item.video, item.stage, "failed", error=error)
    return Outcome(item.video, item.stage, "blocked", error=state.reason)
