"""The outputs recorded in `dvc.lock`, once every item behind them is proven."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.engine.dvc_yaml import entry
from flows.engine.plan import Item, State
from flows.engine.project import STATE, Project
from tasks.artifacts.artifact import Source
from tasks.artifacts.raw_video import RawVideo
from tasks.content import digest, write_atomically
from tasks.recipe import Recipe
from tasks.stage import Stage


def record(project: Project, states: Mapping[Item, State]) -> dict[str, str]:
    """Record in `dvc.lock` every stage whose items are all proven; give the others with what stands in their way.

    `Repo.commit(force=True)` would call stale outputs clean, so it is used only on what has just been examined.
    """
    if not (project.root / ".dvc").is_dir():
        return {"all": "this is not a DVC repository; run `dvc init`"}
    unrecorded = {stage.name: reason for stage in project.stages if (reason := _obstacle(stage, states))}
    proven = [stage for stage in project.stages if stage.name not in unrecorded]
    stamps = _stamps(project)
    due = [stage for stage in proven if stamps.get(stage.name) != _stamp(project, stage)]
    if due:
        _commit(project, [stage.name for stage in due])
        stamps |= {stage.name: _stamp(project, stage) for stage in due}
        lock = _md5(project.root / "dvc.lock")
        write_atomically(project.root / STATE / "recorded.json", json.dumps({"lock": lock, "stages": stamps}))
    return unrecorded


def _obstacle(stage: Stage[..., Any], states: Mapping[Item, State]) -> str:
    """Why the stage's outputs are not proven; "" where they are. A recorded fault of an input is proof too."""
    for item, state in states.items():
        if item.stage == stage.name and state.standing == "stale":
            return f"{item} is stale ({state.reason})"
    return "" if states else "there is no video"


def _commit(project: Project, names: list[str]) -> None:
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)
    for kind in (kind for stage in project.stages for kind in stage.outputs):
        (project.root / kind.FOLDER).mkdir(parents=True, exist_ok=True)
    with Repo(str(project.root)) as repo:
        for name in names:
            # By absolute path: DVC reads a bare name against the current folder, not the repository.
            repo.commit(f"{project.root / 'dvc.yaml'}:{name}", force=True)


def _stamps(project: Project) -> dict[str, str]:
    """What each stage looked like when last recorded, if `dvc.lock` is still as it was then."""
    try:
        known = json.loads((project.root / STATE / "recorded.json").read_text())
    except (OSError, ValueError):
        return {}
    return known["stages"] if known["lock"] == _md5(project.root / "dvc.lock") else {}


def _stamp(project: Project, stage: Stage[..., Any]) -> str:
    """A hash over all that DVC would look at: reading it costs `stat`s, asking DVC costs its import."""
    seen: dict[str, Any] = {
        "entry": entry(project, stage),
        "params": project.params[stage.name].model_dump(mode="json"),
        "also": {name: section.model_dump(mode="json") for name, section in project.also(stage).items()},
    }
    files = [project.root / dep for dep in seen["entry"]["deps"] if (project.root / dep).is_file()]
    seen["files"] = {str(path): project.hashes.of_file(path) for path in files}
    for kind in (*stage.inputs.values(), *stage.outputs):
        if kind is RawVideo:
            seen[kind.FOLDER] = {v: project.hashes.of_file(path) for v, path in project.videos.items()}
        elif issubclass(kind, Source):
            seen[kind.FOLDER] = digest(project.hashes.of(project.root / kind.FOLDER))
        else:
            seen[kind.FOLDER] = {
                owner: [
                    project.hashes.of_file(Recipe.path(kind, project.root, owner)),
                    digest(project.hashes.of(kind.path(project.root, owner))),
                ]
                for owner in project.owners(kind)
            }
    return hashlib.md5(json.dumps(seen, sort_keys=True).encode(), usedforsecurity=False).hexdigest()


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() if path.is_file() else ""
