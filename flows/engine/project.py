"""A project: a folder with `params.yaml`, a list of videos, and the stages that apply to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine.code_cache import StateCodeCache, remember_definitions
from flows.engine.declaration import (
    ArtifactKind,
    Declaration,
    declare_stages,
    decode_declarations,
    encode_declarations,
    hash_code_state,
    load_stages,
)
from flows.engine.file_marks import read_mark
from flows.engine.raw_files import RawFile, RawListing, list_raw_files
from flows.engine.raw_input import parse_raw_input
from flows.engine.recipe_store import RecipeStore
from flows.engine.recipe_sync import REMOVED_MEMO, sync_recipes
from flows.engine.state import STATE_FOLDER as STATE
from flows.engine.state import State
from flows.engine.video_list import Video, merge_videos
from tasks.artifacts.artifact import DATASET_ITEM, Artifact
from tasks.device import resolve_device
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from tasks.params import ParamSections
    from tasks.stage import Stage

__all__ = ["PARAMS_FILE", "PIPELINE", "STATE", "Project", "find_root"]
PARAMS_FILE = "params.yaml"
PIPELINE = os.environ.get("SEMFLOW_PIPELINE", "flows.pipeline:STAGES")
"""Where the stages are imported from, `package.module:NAME`; SEMFLOW_PIPELINE overrides it (used by the benchmark)."""
RAW_FOLDER = "data/raw"
RAW_MISSING = "is not here; run `dvc pull data/raw.dvc`, or put it back"
MAX_NAMES_SHOWN = 5
"""Most names listed in a note."""


@dataclass(frozen=True)
class Project:
    """The parameters, declarations, recipes and videos of a project, read once per command."""

    root: Path
    declarations: tuple[Declaration, ...]
    """The stages, in the order in which they can run."""
    compute: Mapping[str, Any]
    """The section `compute` of params.yaml: how to compute, not what."""
    videos: Mapping[str, Video]
    """The data set, recorded videos and files on this machine, sorted by name."""
    state: State
    recipe_store: RecipeStore
    pipeline: str | None
    """Where the stages are imported from; None where they were passed as objects (`given`)."""
    given: tuple[Stage[..., Any], ...] = ()
    notes: tuple[str, ...] = ()
    """Information for the user about the project's files, one line each."""
    unreached: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name in videos.yaml to the reason, of films at addresses that cannot be had now."""
    fixed_stages: frozenset[str] = frozenset()
    """Stages over the data set whose recipes are taken as they are: an agent's project holds a part of the videos."""

    @classmethod
    def open(
        cls,
        root: Path,
        stages: str | Sequence[Stage[..., Any]] = PIPELINE,
        *,
        fetch: bool = False,
        on_new_file: Callable[[], None] = lambda: None,
        fixes_dataset: bool = False,
        max_answer_age_s: float | None = 0,
    ) -> Project:
        """Read parameters, recipes and the list of videos; raises BadParams or SemflowError with what to fix.

        Recorded recipes that are missing here are restored from DVC's cache and, with `fetch`, from its remote.
        `on_new_file` is called early on if a raw file has not been read before in its present form. `fixes_dataset`:
        the recipes of stages over the data set are taken as they are. `max_answer_age_s`: see list_raw_files.
        """
        state = State.open(root)
        pipeline = stages if isinstance(stages, str) else None
        given = () if isinstance(stages, str) else tuple(stages)
        declarations, compute = _declarations(root, state, pipeline, given)
        raw = list_raw_files(root, max_answer_age_s)
        if any(_is_new(state, file) for file in raw.files):
            on_new_file()
        names = [declaration.name for declaration in declarations]
        notes = sync_recipes(root, state, names, fetch=fetch)
        store = RecipeStore.load(root, state, names)
        absent = dict.fromkeys(left_out.relative for left_out in raw.absent)
        removed = (state.read_memo(REMOVED_MEMO) or {}).get("raw", [])
        videos = merge_videos(raw.files, absent | _listed(declarations, store), removed)
        return cls(
            root,
            declarations,
            compute,
            videos,
            state,
            store,
            pipeline,
            given,
            (*notes, *_describe_skipped(raw)),
            {left_out.relative: left_out.reason for left_out in raw.unreached},
            frozenset(d.name for d in declarations if d.over_dataset) if fixes_dataset else frozenset(),
        )

    @cached_property
    def stages(self) -> tuple[Stage[..., Any], ...]:
        """The stages themselves; importing them takes seconds."""
        return self.given or load_stages(self.pipeline or PIPELINE)

    @cached_property
    def params(self) -> ParamSections:
        """The sections of params.yaml by name."""
        return _read_params(self.root, self.stages)

    @cached_property
    def by_name(self) -> Mapping[str, Declaration]:
        """Stage name to declaration."""
        return {declaration.name: declaration for declaration in self.declarations}

    @cached_property
    def producers(self) -> Mapping[str, Declaration]:
        """Artifact folder to the stage that writes it."""
        return {kind.folder: declaration for declaration in self.declarations for kind in declaration.outputs}

    def describe_missing(self, video: str) -> str:
        """Why the raw file of `video` is not on this machine, and what to do."""
        relative = self.videos[video].relative
        reason = self.unreached.get(relative)
        if self.videos[video].is_local:
            return f"{relative} cannot be read; check its disk, or the server that has it, and run again"
        return f"data/raw/{relative} {RAW_MISSING}" if reason is None else f"{relative} is not here: {reason}"

    @property
    def device(self) -> str:
        """`cpu` or `cuda:N`."""
        return resolve_device(self.compute["device"])

    def artifact_path(self, kind: type[Artifact] | ArtifactKind, video: str) -> Path:
        """Absolute path of an artifact of `video`; for a raw video, the path of the user's file.

        Raises SemflowError for a raw video whose file is not on this machine.
        """
        kind = ArtifactKind(kind.FOLDER, kind.SUFFIX, kind.FOLDER == RAW_FOLDER) if isinstance(kind, type) else kind
        if kind.is_raw:
            file = self.videos[video].file
            if file is None:
                raise SemflowError(
                    f"{video} must be in {RAW_FOLDER}, got a record of it only; run `dvc pull {RAW_FOLDER}.dvc`"
                )
            return file
        if kind.user_path:
            return self.root / kind.user_path.format(video=video.removeprefix("/"))
        maker = self.producers.get(kind.folder)
        owner = DATASET_ITEM if maker is not None and maker.over_dataset else video
        return self.root / kind.folder / f"{self.artifact_stem(owner, kind)}{kind.suffix}"

    def artifact_stem(self, video: str, kind: ArtifactKind | None = None) -> str:
        """The stem of `video`'s artifact of class `kind` (by default: of its recipe), relative to the folder."""
        if video == DATASET_ITEM:
            return DATASET_ITEM.removeprefix("/")
        found = self.videos[video]
        return found.flat_stem if kind is not None and kind.is_folder else found.stem

    def list_owners(self, declaration: Declaration) -> list[str]:
        """The videos that a stage has an item for; [DATASET_ITEM] for a stage over the dataset."""
        return [DATASET_ITEM] if declaration.over_dataset else list(self.videos)

    def close(self) -> None:
        """Write pending changes of the state and close it."""
        self.state.close()


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that contains params.yaml; raises SemflowError where there is none."""
    for folder in (start, *start.parents):
        if (folder / PARAMS_FILE).is_file():
            return folder
    raise SemflowError(
        f"{start} must lie inside a semflow project (a folder with {PARAMS_FILE}), got none here or above; "
        "change into your project, or make one with `semflow init`"
    )


def _is_new(state: State, file: RawFile) -> bool:
    """Whether a raw file has not been hashed in its present form."""
    mark = read_mark(file.place)
    return mark is not None and state.find_md5(file.place, mark) is None


def _declarations(
    root: Path, state: State, pipeline: str | None, given: tuple[Stage[..., Any], ...]
) -> tuple[tuple[Declaration, ...], Mapping[str, Any]]:
    """The declarations, cached where nothing that they depend on has changed, and the section `compute`."""
    signature = ""
    if pipeline is not None:
        try:
            signature = hash_code_state(pipeline, (root / PARAMS_FILE).read_bytes())
        except OSError as error:
            raise SemflowError(
                f"{root / PARAMS_FILE} must be readable, got {error.strerror}; mend its permissions"
            ) from None
        known = state.read_memo("declarations")
        if known is not None and known["signature"] == signature:
            device = resolve_device(known["compute"]["device"])
            if device == known["device"]:
                return decode_declarations(known["declarations"]), known["compute"]
    stages = given or load_stages(pipeline or PIPELINE)
    params = _read_params(root, stages)
    compute = params["compute"].model_dump(mode="json")
    device = resolve_device(compute["device"])
    declarations = _declare(state, stages, params, device)
    if signature:
        known = {"signature": signature, "device": device, "compute": compute}
        state.save_memo("declarations", {**known, "declarations": encode_declarations(declarations)})
    return declarations, compute


def _declare(
    state: State, stages: Sequence[Stage[..., Any]], params: ParamSections, device: str
) -> tuple[Declaration, ...]:
    """Derive the declarations; source files are parsed once per change (see code_cache.py)."""
    from tasks.source_cache import set_source_cache

    memo = StateCodeCache(state)
    set_source_cache(memo)
    try:
        declarations = declare_stages(stages, params, device)
        remember_definitions(state, [declaration.method.code for declaration in declarations])
    finally:
        set_source_cache(None)
        memo.save()
    return declarations


def _read_params(root: Path, stages: Sequence[Stage[..., Any]]) -> ParamSections:
    from tasks.params import Compute, read_params

    return read_params(root / PARAMS_FILE, {"compute": Compute} | {stage.name: stage.params for stage in stages})


def _describe_skipped(raw: RawListing) -> list[str]:
    """Notes on files beside the videos: unreadable ones are named, those that are not videos are counted."""
    found = [f"{left_out.relative or RAW_FOLDER} was left out: {left_out.reason}" for left_out in raw.unreadable]
    found += [f"{left_out.relative} is not here: {left_out.reason}" for left_out in raw.unreached]
    if raw.skipped:
        names = ", ".join(left_out.relative for left_out in raw.skipped[:MAX_NAMES_SHOWN])
        more = ", ..." if len(raw.skipped) > MAX_NAMES_SHOWN else ""
        count = len(raw.skipped)
        subject = (
            f"{count} files in {RAW_FOLDER} are no videos and were"
            if count > 1
            else f"a file in {RAW_FOLDER} is no video and was"
        )
        found.append(f"{subject} skipped ({names}{more})")
    return found


def _listed(declarations: Sequence[Declaration], recipe_store: RecipeStore) -> dict[str, str | None]:
    """Raw files that recipes name, on this machine or not: path below data/raw to MD5."""
    found: dict[str, str | None] = {}
    for declaration in declarations:
        raw = next((argument for argument, kind in declaration.inputs.items() if kind.is_raw), None)
        if raw is None:
            continue
        for recipe in recipe_store.stage_recipes(declaration.name).values():
            recorded = parse_raw_input(recipe.inputs.get(raw, ""))
            if recorded.relative:
                found[recorded.relative] = recorded.md5
    return found
