"""Artifacts of videos that are gone: moved out of the way, never deleted. Parts that no item goes on from: deleted.

What lies in an artifact folder becomes part of the data that DVC records, so it must follow from `data/raw`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.engine.files import move, remove
from flows.engine.item import PARTS, artifact_folders, parts_of
from flows.engine.plan import State
from flows.engine.project import STATE, Project
from tasks.artifacts.artifact import Artifact
from tasks.recipe import Recipe

REMOVED = "removed"
"""Folder under the state folder where strays go."""
KEPT = ("index.html", "bench")
"""Names in `reports` that belong to no single video."""


def sweep(project: Project) -> list[Path]:
    """Move everything that belongs to no video of the project to `.semflow/removed`; give the paths as they were."""
    moved: list[Path] = []
    for folder, kind in artifact_folders(project).items():
        for stray in list(_strays(project, project.root / folder, kind)):
            relative = stray.relative_to(project.root)
            move(stray, project.root / STATE / REMOVED / relative)
            moved.append(relative)
    return moved


def sweep_parts(project: Project, states: Iterable[State]) -> None:
    """Remove the parts of items that no next run would take up, given the `states` of all items.

    While an item waits for another, its key is not known, and nothing is removed.
    """
    stale = [state for state in states if state.standing == "stale"]
    folder = project.root / STATE / PARTS
    if not folder.is_dir() or any(state.ingredients is None for state in stale):
        return
    wanted = {parts_of(project, state) for state in stale}
    for path in sorted(folder.iterdir()):
        if path not in wanted:
            remove(path)


def _strays(project: Project, folder: Path, kind: type[Artifact]) -> Iterator[Path]:
    ours = {kind.path(project.root, owner) for owner in project.owners(kind)}
    ours |= {Recipe.path(kind, project.root, owner) for owner in project.owners(kind)}
    parents = {parent for path in ours for parent in path.parents}

    def look(place: Path) -> Iterator[Path]:
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path in ours or path.name.startswith(".") or (place == folder and path.name in KEPT):
                continue
            if path in parents:
                yield from look(path)
            else:
                yield path

    yield from look(folder)
