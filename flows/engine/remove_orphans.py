"""Files in artifact folders that belong to no video: moved out of the way, never deleted. Parts that no item goes on
from: deleted.

What lies in an artifact folder becomes part of the data that DVC records. A video belongs to the data set until it is
removed by `semflow remove` or `semflow forget`, whether its raw file is here or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flows.engine.atomic_files import move_into_place, remove_path
from flows.engine.item_jobs import CHECKPOINTS, checkpoint_folder
from flows.engine.plan import ItemState, Plan
from flows.engine.project import STATE, Project

REMOVED_FOLDER = "removed"
"""Folder under the state folder where strays go."""
KEPT_PATHS = ("reports/index.html", "reports/bench")
"""What belongs to no single video."""


def remove_orphans(project: Project, plan: Plan) -> list[Path]:
    """Move everything that belongs to no video of the list to `.semflow/removed`; gives the paths as they were."""
    moved: list[Path] = []
    if project.recipe_store.invalid:
        return moved  # a damaged recipe may be the one that names a video: its artifacts must not be taken for strays
    for stray in plan.inventory.find_orphans():
        if stray.as_posix() in KEPT_PATHS:
            continue
        move_into_place(project.root / stray, project.root / STATE / REMOVED_FOLDER / stray)
        moved.append(stray)
    return moved


def remove_stale_checkpoints(project: Project, states: Iterable[ItemState]) -> None:
    """Remove the parts of items that no next run would take up, given the `states` of all items.

    While an item waits for another, its key is not known, and nothing is removed.
    """
    stale = [state for state in states if state.status == "stale"]
    folder = project.root / STATE / CHECKPOINTS
    if not folder.is_dir() or any(not state.key for state in stale):
        return
    wanted = {checkpoint_folder(project.root, state) for state in stale}
    for path in sorted(folder.iterdir()):
        if path not in wanted:
            remove_path(path)
