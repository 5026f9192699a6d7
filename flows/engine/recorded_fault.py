"""Record a fault of an item's input as its result, and remove what was made of that input before."""

from __future__ import annotations

from collections.abc import Sequence

from flows.engine.atomic_files import remove_path
from flows.engine.declaration import Declaration
from flows.engine.item_state import ItemState
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.recipe import Recipe
from tasks.artifacts.artifact import DATASET_ITEM


def record_fault(plan: Plan, state: ItemState, error: str) -> None:
    """Record the fault as the item's result, and remove its earlier artifacts and those computed from them."""
    project, item = plan.project, state.item
    declaration = project.by_name[item.stage]
    after = find_downstream(project.declarations, declaration) if item.video != DATASET_ITEM else []
    for gone in (declaration, *after):
        for kind in gone.outputs:
            remove_path(project.artifact_path(kind, item.video))
        project.recipe_store.remove_recipe(gone.name, project.artifact_stem(item.video))
        plan.drop_item(Item(item.video, gone.name), f"after {item.stage}")
    recipe = Recipe(item.video, item.stage, state.method, state.inputs, {}, error)
    project.recipe_store.write_recipe(project.artifact_stem(item.video), recipe, declaration.method)
    project.state.clear_deaths([recipe.key])
    plan.set_state(ItemState(item, "failed", error, recipe.key, state.method, state.inputs))


def find_downstream(declarations: Sequence[Declaration], origin: Declaration) -> list[Declaration]:
    """The stages per video that depend on the outputs of `origin`, directly or indirectly, in pipeline order."""
    made = {kind.folder for kind in origin.outputs}
    found: list[Declaration] = []
    for declaration in declarations:
        reads = {kind.folder for kind in declaration.inputs.values() if not kind.user_path and not kind.is_raw}
        if made & reads and not declaration.over_dataset:
            found.append(declaration)
            made |= {kind.folder for kind in declaration.outputs}
    return found
