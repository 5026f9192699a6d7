"""Bringing back what was made before: a ledger of recipes on this machine, the bytes from DVC's cache.

DVC's own run cache does not serve outs that persist, so an earlier parameter value would be computed anew. The objects
are in its cache by MD5, which is how recipes name them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from flows.engine.files import move, partial
from flows.engine.project import STATE, Project
from tasks.content import write_atomically
from tasks.recipe import Ingredients, Recipe
from tasks.stage import Stage


def remember(project: Project, recipes: Sequence[Recipe]) -> None:
    """Note what came out for a key, in the order of the stage's outputs."""
    write_atomically(_entry(project, recipes[0].key), json.dumps([asdict(recipe) for recipe in recipes]))


def restore(project: Project, stage: Stage[..., Any], video: str, wanted: Ingredients) -> bool:
    """Put back the outputs that `wanted` gave before; False where they are not known or not in the cache."""
    try:
        outputs = [entry["output"] for entry in json.loads(_entry(project, wanted.key).read_text())]
    except (OSError, ValueError, KeyError):
        return False
    if len(outputs) != len(stage.outputs) or (objects := cache_folder(project.root)) is None:
        return False
    if not all(_object(objects, md5).is_file() for output in outputs for md5 in output.values()):
        return False
    for kind, output in zip(stage.outputs, outputs, strict=True):
        final = kind.path(project.root, video)
        with partial(final, project.root / kind.FOLDER) as beside:
            for name, md5 in output.items():
                target = beside / name if name else beside
                target.parent.mkdir(parents=True, exist_ok=True)
                # A copy, never a link: a later write must not reach the cache's own bytes.
                shutil.copyfile(_object(objects, md5), target)
            if project.hashes.of(beside) != output:
                return False  # the cache is not what it claims to be: compute instead
            move(beside, final)
        Recipe(wanted.key, wanted, output, None).save(Recipe.path(kind, project.root, video))
    return True


@cache
def cache_folder(root: Path) -> Path | None:
    """Where DVC keeps objects by MD5, or None where there is no DVC repository."""
    if not (root / ".dvc").is_dir():
        return None
    from dvc.repo import Repo

    with Repo(str(root)) as repo:
        return Path(repo.cache.local.path)


def _entry(project: Project, key: str) -> Path:
    return project.root / STATE / "ledger" / key[:2] / f"{key}.json"


def _object(objects: Path, md5: str) -> Path:
    return objects / md5[:2] / md5[2:]
