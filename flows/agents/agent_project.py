"""The project folder in which an agent computes a batch: the batch's videos, files and recipes, and nothing else.

It lies in `.semflow/agents/<slot>` of the agent's clone and uses the clone's DVC cache. Its state stays from batch to
batch, so that results which a killed agent could not hand in are taken from the cache rather than computed again.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.agents.batch import Batch
from flows.agents.device_classes import find_foreign_videos
from flows.agents.exchange import Exchange
from flows.engine.atomic_files import remove_path
from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.film_addresses import remember_film_md5
from flows.engine.linked_videos import LINKS_FILE
from flows.engine.project import PARAMS_FILE, RAW_FOLDER, STATE, Project
from flows.engine.project_lock import LOCK_FILE, hold_lock_file
from flows.engine.recipe import compare_methods, method_path, recipe_path
from flows.engine.state import State
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.decode.film_address import parse_film_address
from tasks.errors import SemflowError
from tasks.stage import Stage

FOLDER = "agents"
"""Folder below the state folder of the clone."""
MAX_SLOTS = 64
"""Most agents at once in one clone."""
MAX_DIFFERENCES = 3
Pipeline = str | tuple[Stage[..., Any], ...]


@contextmanager
def hold_agent_folder(root: Path) -> Generator[Path]:
    """A folder for one agent of the clone at `root`, emptied but for its state; one that no other process uses."""
    for slot in range(MAX_SLOTS):
        folder = root / STATE / FOLDER / str(slot)
        with hold_lock_file(folder.with_suffix(f".{LOCK_FILE}")) as is_mine:
            if not is_mine:
                continue
            _empty(folder)
            try:
                yield folder
            finally:
                _empty(folder)
            return
    raise SemflowError(f"{root / STATE / FOLDER} must have a free folder, got {MAX_SLOTS} agents at work; start fewer")


def write_settings(root: Path, folder: Path, batch: Batch) -> None:
    """Write the batch's parameters, and DVC's settings of the clone at `root`, into `folder`."""
    (folder / PARAMS_FILE).write_text(batch.params, encoding="utf-8")
    _write_dvc_config(root, folder)


def write_inputs(folder: Path, batch: Batch, exchange: Exchange) -> None:
    """Write the batch's raw videos, files that users wrote, and methods into `folder`.

    Raises SemflowError where the exchange lacks something that the batch names.
    """
    linked = {video.relative: video.parts or video.place for video in batch.videos if video.place}
    absent = {name: f"/nonexistent/{number}" for number, name in enumerate(batch.others)}
    if linked or absent:  # JSON is YAML, and quotes whatever needs quoting
        (folder / LINKS_FILE).write_text(json.dumps(absent | linked, indent=0), encoding="utf-8")
    _remember_films(folder, batch)
    wanted = {f"{RAW_FOLDER}/{video.relative}": video.md5 for video in batch.videos if not video.place}
    wanted |= batch.files
    fixed = [recipe for recipe in batch.recipes if recipe.video == DATASET_ITEM]
    md5s = {md5 for recipe in fixed for files in recipe.outputs.values() for md5, _ in files.values()}
    missing = exchange.fetch_objects({*wanted.values(), *md5s})
    if missing:
        lacking = next((path for path, md5 in wanted.items() if md5 in missing), "an artifact of the data set")
        raise SemflowError(
            f"{lacking} must be where the machines exchange data ({exchange.share}), got no such object; the "
            "coordinator pushes it when it starts: run it again"
        )
    for path, md5 in wanted.items():
        exchange.store.restore_file(md5, folder / path)
    for method in batch.recipe_methods:
        _write(method_path(folder, method.stage, method.digest), method.to_text())


def _remember_films(folder: Path, batch: Batch) -> None:
    """Remember the MD5 of films at addresses, which hold as long as the server gives the same size and mark."""
    known = {video.md5: parse_film_address(video.form) for video in batch.videos if video.form}
    if known:
        state = State.open(folder)
        for md5, film in known.items():
            remember_film_md5(state, film, md5)
        state.close()


def check_agent(folder: Path, batch: Batch, pipeline: Pipeline) -> dict[str, str]:
    """The videos of the batch that need another class of device, to a reason; raises SemflowError where the agent
    differs from the coordinator in code, weights, libraries, or, with a named device, in the kind of device.

    `folder` must hold the batch's settings.
    """
    project = Project.open(folder, pipeline)
    try:
        compare_methods_of(batch, project)
        return find_foreign_videos(batch, project)
    finally:
        project.close()


def open_agent_project(folder: Path, batch: Batch, exchange: Exchange, pipeline: Pipeline) -> Project:
    """The project in `folder`, which holds the batch's settings and inputs, with its recipes; raises SemflowError where
    a video would have another name here."""
    bare = Project.open(folder, pipeline)
    for video in batch.videos:
        found = bare.videos.get(video.name)
        if found is None or found.relative != video.relative:
            raise SemflowError(f"{video.relative} must be named {video.name} on this agent, got another name")
    for recipe in batch.recipes:
        _write(recipe_path(folder, recipe.stage, bare.artifact_stem(recipe.video)), recipe.to_text())
        if recipe.video == DATASET_ITEM:
            _restore_outputs(bare, recipe.stage, recipe.outputs, exchange)
    bare.close()
    return Project.open(folder, pipeline, fixes_dataset=True)


def compare_methods_of(batch: Batch, project: Project) -> None:
    """Raise SemflowError, naming the first differences, where this agent's results would not be accepted."""
    computed = {item.stage for item in batch.items}
    for wanted in batch.methods:
        declaration = project.by_name.get(wanted.stage)
        if declaration is None:
            raise SemflowError(f"this agent must have the stage {wanted.stage}, got none; update its clone")
        mine = declaration.method
        is_any_device = project.compute["device"] == "auto" or wanted.stage not in computed
        is_same = mine.digest == wanted.digest or (
            is_any_device and mine.digest_on_any_device == wanted.digest_on_any_device
        )
        if not is_same:
            found = compare_methods(wanted, mine, lambda module, *_: f"{module} differs")
            more = "" if len(found) <= MAX_DIFFERENCES else f" and {len(found) - MAX_DIFFERENCES} more"
            raise SemflowError(
                f"this agent must compute {wanted.stage} like the coordinator, got (coordinator -> agent) "
                f"{', '.join(found[:MAX_DIFFERENCES])}{more}; check out the coordinator's commit and packages here"
            )


def _restore_outputs(project: Project, stage: str, outputs: object, exchange: Exchange) -> None:
    assert isinstance(outputs, dict)
    for kind in project.by_name[stage].outputs:
        base = project.artifact_path(kind, DATASET_ITEM)
        for name, (md5, _) in outputs.get(kind.folder, {}).items():
            exchange.store.restore_file(md5, base / name if name else base)


def _write_dvc_config(root: Path, folder: Path) -> None:
    """DVC's settings for `folder`: the clone's remotes with all their options, its cache, no git."""
    from configobj import ConfigObj

    config = read_config(root)
    assert config is not None
    merged: Any = ConfigObj(encoding="utf-8", list_values=False)
    for name in ("config", "config.local"):
        path = root / ".dvc" / name
        if path.is_file():
            merged.merge(ConfigObj(str(path), encoding="utf-8", list_values=False))
    merged.setdefault("core", {})["no_scm"] = "true"
    merged.setdefault("cache", {})["dir"] = str(config.cache)
    for section in merged.sections:
        name = section.strip("'").removeprefix('remote "').removesuffix('"')
        if name in config.remotes and "url" in merged[section]:
            merged[section]["url"] = config.remotes[name]
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    merged.filename = str(folder / ".dvc" / "config")
    merged.write()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _empty(folder: Path) -> None:
    """Remove everything but the state, which is a cache of results by key."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name != STATE:
            remove_path(path)
