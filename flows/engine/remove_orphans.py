"""Move files that belong to no video out of the artifact folders, and delete checkpoints that no item can resume.

All files in an artifact folder become part of the data that DVC records. A video belongs to the data set until it is
removed by `semflow remove` or `semflow forget`, whether its raw file is on this machine or not.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flows.engine.atomic_files import move_into_place, remove_path
from flows.engine.item_jobs import CHECKPOINTS, checkpoint_folder
from flows.engine.item_state import ItemState
from flows.engine.overview_files import OVERVIEW_FILES, REPORTS
from flows.engine.plan import Plan
from flows.engine.project import STATE, Project

REMOVED_FOLDER = "removed"
"""Folder under the state folder that orphaned files are moved to."""
KEPT_PATHS = (*(f"{REPORTS}/{name}" for name in OVERVIEW_FILES), "reports/bench")
"""Files that do not belong to a single video and are kept."""


def remove_orphans(project: Project, plan: Plan) -> list[Path]:
    """Move files that belong to no video of the data set to `.semflow/removed`; gives their former paths."""
    moved: list[Path] = []
    if project.recipe_store.invalid:
        return moved  # a damaged recipe may be the only one that names a video, whose artifacts are no orphans
    for orphan in plan.inventory.find_orphans():
        if orphan.as_posix() in KEPT_PATHS:
            continue
        move_into_place(project.root / orphan, project.root / STATE / REMOVED_FOLDER / orphan)
        moved.append(orphan)
    return moved


def remove_stale_checkpoints(project: Project, states: Iterable[ItemState]) -> None:
    """Remove checkpoints that the next run could not resume, given the `states` of all items.

    Nothing is removed while the key of a stale item is unknown because it waits for another.
    """
    stale = [state for state in states if state.status == "stale"]
    folder = project.root / STATE / CHECKPOINTS
    if not folder.is_dir() or any(not state.key for state in stale):
        return
    wanted = {checkpoint_folder(project.root, state) for state in stale}
    for path in sorted(folder.iterdir()):
        if path not in wanted:
            remove_path(path)
