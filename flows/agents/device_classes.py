"""Artifacts that are not kept, where what reads them is computed on another class of device than made them.

A batch that reads such an artifact computes it again, and other devices give other bytes. So it goes to agents that
have the device it was made on (cut_batches.py). Where there are none, or an agent finds that its device is of another
class, the artifact is made anew with everything that reads it, in one batch, and its recipe names the new device.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Literal

from flows.agents.batch import Batch
from flows.engine.atomic_files import remove_path
from flows.engine.declaration import Declaration
from flows.engine.item_state import UP_TO_DATE, ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.project import Project
from tasks.artifacts.artifact import DATASET_ITEM

Kind = Literal["cpu", "gpu"]
"""What a batch may need."""


def find_recomputed(plan: Plan, items: Iterable[Item]) -> dict[Item, str]:
    """What a batch of `items` computes again because it is not kept, with the class of the device that made it; ""
    where all devices give the same bytes."""
    store, found = plan.project.recipe_store, dict[Item, str]()
    waiting = list(items)
    while waiting:
        for source in plan.find_sources(waiting.pop()):
            is_kept = source.video == DATASET_ITEM or plan.project.by_name[source.stage].keeps_artifacts
            if source in found or is_kept or plan.states[source].status not in UP_TO_DATE:
                continue
            recipe = store.recipes[source.stage, plan.project.artifact_stem(source.video)]
            found[source] = store.methods[source.stage, recipe.method].device
            waiting.append(source)
    return found


def list_kinds(plan: Plan, items: Iterable[Item]) -> set[Kind]:
    """The kinds of device that a batch of `items` must have, as something that it computes again was made there."""
    by_name = plan.project.by_name
    found = find_recomputed(plan, items).items()
    return {"gpu" if "cuda" in device else "cpu" for item, device in found if by_name[item.stage].differs_on_cuda}


def has_kinds(kinds: set[Kind], agents: Mapping[str, int]) -> bool:
    """Whether one agent can be all of `kinds`, and there is one."""
    return not kinds or (len(kinds) == 1 and all(agents.get(kind) for kind in kinds))


def find_foreign_videos(batch: Batch, project: Project) -> dict[str, str]:
    """Videos of which this agent would compute something again that was made on another class of device, to a reason;
    `project` has this agent's methods."""
    recipes = {Item(recipe.video, recipe.stage): recipe for recipe in batch.recipes}
    devices = {method.digest: method.device for method in batch.recipe_methods}
    found: dict[str, str] = {}
    for item in batch.items:
        waiting = [item]
        while waiting:
            reader = waiting.pop()
            for maker in _list_makers(project, reader.stage):
                source = Item(reader.video, maker.name)
                if maker.keeps_artifacts or source not in recipes:
                    continue  # fetched, or computed in this batch
                made, mine = devices.get(recipes[source].method, ""), maker.method.device
                if made != mine:
                    found[item.video] = (
                        f"{source} is not kept and was made on {made or 'any device'}, this agent computes on "
                        f"{mine or 'any device'}"
                    )
                waiting.append(source)
    return found


def renew_recomputed(plan: Plan, items: Iterable[Item], renewable: Container[Item]) -> dict[Item, ItemState]:
    """Forget the artifacts that `items` read and that depend on the device, so that a batch makes them anew; gives the
    new states of these and, of the items `renewable`, of all that reads them, in the plan too."""
    renewed = {item: device for item, device in find_recomputed(plan, items).items() if device}
    states: dict[Item, ItemState] = {}
    for item, device in renewed.items():
        maker = plan.project.by_name[item.stage]
        plan.project.recipe_store.remove_recipe(item.stage, plan.project.artifact_stem(item.video))
        for kind in maker.outputs:
            remove_path(plan.project.artifact_path(kind, item.video))
        plan.inventory.scan_outputs(maker, item.video)
        reason = f"it is not kept, was made on {device}, and is read on another kind of device"
        states[item] = ItemState(item, "stale", reason)
        plan.set_state(states[item])
    for declaration in plan.project.declarations:  # readers come after what they read
        for item in [item for item in plan.states if item.stage == declaration.name]:
            if item in renewable and item not in renewed and plan.states[item].status in UP_TO_DATE:
                source = next((source for source in plan.find_sources(item) if source in states), None)
                if source is not None:
                    states[item] = ItemState(item, "stale", f"waits for {source}")
                    plan.set_state(states[item])
    return states


def _list_makers(project: Project, stage: str) -> list[Declaration]:
    """The stages of one video whose artifacts a stage reads."""
    kinds = [kind for kind in project.by_name[stage].inputs.values() if not kind.is_raw and not kind.user_path]
    makers = [project.producers[kind.folder] for kind in kinds if kind.folder in project.producers]
    return [maker for maker in makers if not maker.over_dataset]
