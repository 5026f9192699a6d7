"""Where an artifact came from: its recipe, those of everything that it was made of, and the film."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.engine.raw_files import list_raw_files
from flows.engine.raw_input import parse_raw_input
from flows.engine.recipe import RECIPE_SUFFIX, Method, Recipe
from flows.engine.state import PREFECT_RUNS, STATE_FOLDER
from flows.reading.artifact_kinds import OF_DATASET, STAGE_OF, find_kind
from flows.reading.git_repository import Commit
from flows.versions.commits import RAW_FOLDER, History
from flows.versions.recorded_version import RecordedVersion, list_contents
from flows.versions.user_files import UserFile, find_user_file
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.content_hash import combine_hashes
from tasks.errors import SemflowError

Items = Mapping[tuple[str, str], Recipe]
"""(stage, stem) to recipe."""
DATASET_STEM = DATASET_ITEM.removeprefix("/")
NOTHING = combine_hashes({})
"""Content hash of a user input that is not there."""
BLOCK = 1 << 20


@dataclass(frozen=True)
class SourceFilm:
    """The raw file."""

    file: str
    """Path below data/raw."""
    md5: str
    sha256: str | None
    """None where the file is not on this machine, or another one is in its place."""
    added: Commit | None
    """The first commit that records it; None where none that is known here does."""


@dataclass(frozen=True)
class LineageStep:
    """One item on the way from the film to the artifact."""

    stage: str
    video: str
    """Name of the video, or `dataset`."""
    recipe: Recipe
    method: Method | None
    inputs: Mapping[str, str]
    """Argument to what it was: `<stage> <video>`, the film, or the files that people wrote."""
    recorded: Commit | None
    """The first commit that records the recipe; None where it is not committed."""
    run: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Time, host and Prefect flow run of the run that computed it, as far as this machine knows them."""
    user_files: Mapping[str, UserFile] = field(default_factory=dict[str, UserFile])
    """Argument to the file that a person wrote and that it read."""


@dataclass(frozen=True)
class Lineage:
    """Everything that an artifact was made of."""

    artifact: str
    video: str
    version: str
    """The revision, or "working copy"."""
    commit: str
    """The commit of the revision; "" for a working copy."""
    film: SourceFilm | None
    """None for an artifact of the whole data set."""
    steps: tuple[LineageStep, ...]
    """The film's first item first, the artifact's own last."""


def find_lineage(version: RecordedVersion, artifact: str, video: str) -> Lineage:
    """The lineage of an artifact; SemflowError where the version records none."""
    kind = find_kind(artifact)
    stem = DATASET_STEM if artifact in OF_DATASET else video
    stage = STAGE_OF[kind]
    known = version.list_recipes(stage)
    if stem not in known:
        near = ", ".join(list(known)[:5]) or "none"
        raise SemflowError(f"{stage} of {stem} must have a recipe in the {version.title}, got none; there are {near}")
    items = _collect_items(version, stage, stem)
    history = History(version.source)
    wanted = {(name, f"{owner}{RECIPE_SUFFIX}"): version.list_recipes(name)[owner] for name, owner in items}
    commits = history.find_recipes(wanted)
    runs = _read_runs(version.source.root)
    steps = tuple(
        LineageStep(
            stage=name,
            video=owner,
            recipe=recipe,
            method=version.read_methods(name, [recipe.method]).get(recipe.method),
            inputs={argument: _name_input(value, items, owner, files) for argument, value in recipe.inputs.items()},
            recorded=(recorded := commits.get((name, f"{owner}{RECIPE_SUFFIX}"))),
            run=_choose_run(runs.get((name, recipe.video), []), recorded),
            user_files=files,
        )
        for (name, owner), recipe in items.items()
        for files in [_find_user_files(version, history, items, recipe, owner)]
    )
    return Lineage(artifact, stem, version.title, version.source.commit, _find_film(version, history, steps), steps)


def _collect_items(version: RecordedVersion, stage: str, stem: str) -> dict[tuple[str, str], Recipe]:
    """(stage, stem) to recipe of the item and of all that it was made of, sources first.

    Which item made an input is found by the content hash that both recipes name, so no code of that version is needed.
    """
    made: dict[tuple[str, str], tuple[str, str]] = {}
    """(stem, content hash) to the item that made it."""
    recipes: dict[tuple[str, str], Recipe] = {}
    for name in version.stages:
        for owner, recipe in version.read_recipes(name, {stem, DATASET_STEM}).items():
            recipes[name, owner] = recipe
            for content in list_contents(recipe).values():
                made[owner, content] = (name, owner)
    found: dict[tuple[str, str], Recipe] = {}

    def visit(item: tuple[str, str]) -> None:
        if item in found or item not in recipes:
            return
        for value in recipes[item].inputs.values():
            source = made.get((item[1], value)) or made.get((DATASET_STEM, value))
            if source is not None and source != item:
                visit(source)
        found[item] = recipes[item]

    visit((stage, stem))
    if (stage, stem) not in found:
        raise SemflowError(
            f"the recipe of {stage} {stem} must be as semflow wrote it, got an edited one; run `semflow run`"
        )
    return found


def _find_user_files(
    version: RecordedVersion, history: History, items: Items, recipe: Recipe, owner: str
) -> dict[str, UserFile]:
    """Argument to the file that a person wrote, of those inputs that no item made."""
    found = {
        argument: find_user_file(version, history, recipe.video, value)
        for argument, value in recipe.inputs.items()
        if not parse_raw_input(value).relative and value != NOTHING and _find_maker(value, items, owner) is None
    }
    return {argument: file for argument, file in found.items() if file is not None}


def _find_maker(value: str, items: Items, owner: str) -> tuple[str, str] | None:
    """The item (stage, stem) whose artifact has this content hash."""
    for (name, stem), recipe in items.items():
        if stem in (owner, DATASET_STEM) and value in list_contents(recipe).values():
            return name, stem
    return None


def _name_input(value: str, items: Items, owner: str, files: Mapping[str, UserFile]) -> str:
    raw = parse_raw_input(value)
    if raw.relative:
        return f"{RAW_FOLDER}/{raw.relative}"
    maker = _find_maker(value, items, owner)
    if maker is not None:
        return " ".join(maker)
    if value == NOTHING:
        return "nothing"
    file = next((file for file in files.values() if file.content == value), None)
    return f"files of several videos or of users, content hash {value}" if file is None else file.path


def _find_film(version: RecordedVersion, history: History, steps: tuple[LineageStep, ...]) -> SourceFilm | None:
    for step in steps:
        for value in step.recipe.inputs.values():
            raw = parse_raw_input(value)
            if raw.relative:
                sha256 = _hash_film(version.source.root, raw.relative, raw.md5)
                return SourceFilm(raw.relative, raw.md5, sha256, history.find_film(raw.relative, raw.md5))
    return None


def _hash_film(root: Path, relative: str, md5: str) -> str | None:
    """SHA-256 of the raw file; None where it is not on this machine, or is another film by its MD5."""
    places = {file.relative: file.path for file in list_raw_files(root, None).files}
    path = places.get(relative)
    if path is None or not path.is_file():
        return None
    sha256, check = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sha256.update(block)
            check.update(block)
    return sha256.hexdigest() if check.hexdigest() == md5 else None


def _read_runs(root: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(stage, video) to the runs on this machine that computed it, oldest first, by the run log."""
    flows = {(line.get("host"), line.get("pid")): line for line in _read_lines(root / STATE_FOLDER / PREFECT_RUNS)}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in _read_lines(root / STATE_FOLDER / "runs.jsonl"):
        flow = flows.get((line.get("host"), line.get("pid")), {})
        run = {"at": line.get("at"), "host": line.get("host"), "flow_run": flow.get("flow_run")}
        for outcome in line.get("outcomes", []):
            if outcome.get("result") == "computed":
                found.setdefault((outcome.get("stage"), outcome.get("video")), []).append(run)
    return found


def _choose_run(runs: Sequence[Mapping[str, Any]], recorded: Commit | None) -> Mapping[str, Any]:
    """The last run that ended before the recipe was committed, or the last one; {} where no run is known."""
    if recorded is None:
        return runs[-1] if runs else {}
    end = datetime.fromisoformat(recorded.at)
    return next((run for run in reversed(runs) if _parse_time(run.get("at")) <= end), {})


def _parse_time(at: Any) -> datetime:
    """A time of the run log; a time after all others where it cannot be read."""
    try:
        return datetime.strptime(str(at), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue  # cut off by a full disk
        if isinstance(value, dict):
            found.append(value)
    return found
