"""The outputs recorded in `dvc.lock`, once every item behind them is proven."""

from __future__ import annotations

from flows.engine.declaration import Declaration
from flows.engine.plan import Plan
from flows.engine.project import Project


def record(project: Project, plan: Plan) -> dict[str, str]:
    """Record in `dvc.lock` every stage whose items are all proven; give the others with what stands in their way."""
    if not (project.root / ".dvc").is_dir():
        return {"all": "this is not a DVC repository; run `dvc init`"}
    return {d.name: reason for d in project.declarations if (reason := _obstacle(d, plan))}


def _obstacle(declaration: Declaration, plan: Plan) -> str:
    """Why the stage's outputs are not proven; "" where they are. A recorded fault of an input is proof too."""
    for item, state in plan.states.items():
        if item.stage == declaration.name and (state.standing == "stale" or not state.recorded):
            return f"{item} is {state.standing} ({state.reason})"
    return "" if plan.states else "there is no video"
