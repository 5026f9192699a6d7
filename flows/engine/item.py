"""Making one item: look, load, compute, save beside, move into place, write the recipe. A crash costs this item alone.

The order makes a kill at any point harmless: bytes first, then the recipe that vouches for them, each moved whole.
Parts of an item that takes long are kept (tasks/checkpoints.py) until it stands, or its input is at fault.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from flows.engine.files import PARTIAL, exclusive, move, partial, remove
from flows.engine.plan import State, examine, whole_dataset
from flows.engine.project import STATE, Project
from flows.engine.restore import remember, restore
from tasks.artifacts.artifact import Artifact, Dataset, Source
from tasks.checkpoints import Checkpoints
from tasks.content import digest
from tasks.device import resolve_device
from tasks.errors import BadInput, SemflowError
from tasks.params import Compute
from tasks.recipe import Recipe
from tasks.stage import Stage

Result = Literal["computed", "restored", "reused", "failed", "blocked"]
PARTS = "parts"
"""Folder under the state folder for parts of items that take long."""
_accelerator = threading.BoundedSemaphore(1)


@dataclass(frozen=True)
class Outcome:
    """What became of an item in this run."""

    video: str
    stage: str
    result: Result
    seconds: float = 0.0
    frames: int = 0
    """Frames of the video that the item covers, as far as known."""
    error: str | None = None
    recorded: bool = False
    """Whether the failure is the input's own and lies recorded, so that it is a result and not an accident."""

    def __str__(self) -> str:
        rate = f" ({self.frames / self.seconds:.0f} frames/s)" if self.result == "computed" and self.frames else ""
        took = f" in {self.seconds:.1f} s{rate}" if self.seconds else ""
        return f"{self.stage} {self.video}: {self.result}{took}{f' - {self.error}' if self.error else ''}"

    @property
    def good(self) -> bool:
        """Whether the artifact is there and fresh."""
        return self.result in ("computed", "restored", "reused")

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def make(project: Project, stage: Stage[..., Any], video: str) -> Outcome:
    """Bring one item up to date, its inputs being fresh; a fault of the input is an Outcome, other errors raise."""
    began = time.perf_counter()
    state = examine(project, stage, video)
    if state.standing == "failed":
        return Outcome(video, stage.name, "failed", error=state.reason, recorded=True)
    if state.standing == "fresh":
        return Outcome(video, stage.name, "reused", frames=frame_count(project, video))
    assert state.ingredients is not None
    if restore(project, stage, video, state.ingredients):
        return Outcome(video, stage.name, "restored", time.perf_counter() - began, frame_count(project, video))
    with _turn(project, stage):
        began = time.perf_counter()
        try:
            _compute(project, stage, video, state)
        except BadInput as error:
            _record_fault(project, stage, video, state, str(error))
            remove(parts_of(project, state))
            return Outcome(video, stage.name, "failed", time.perf_counter() - began, error=str(error), recorded=True)
        remove(parts_of(project, state))
        return Outcome(video, stage.name, "computed", time.perf_counter() - began, frame_count(project, video))


def frame_count(project: Project, video: str) -> int:
    """Rows of the frames artifact of `video`, read from the file's footer; 0 where there is none."""
    from tasks.artifacts.frames import Frames

    path = Frames.path(project.root, video)
    if not path.is_file():
        return 0
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def parts_of(project: Project, state: State) -> Path:
    """Where the parts of an item in the making lie; another key, another place."""
    assert state.ingredients is not None
    return project.root / STATE / PARTS / digest({str(state.item): state.ingredients.key})


def discard(project: Project, stage: Stage[..., Any], video: str) -> None:
    """Remove the artifacts and recipes of an item, so that nobody reads what no longer follows from its input."""
    for kind in stage.outputs:
        Recipe.path(kind, project.root, video).unlink(missing_ok=True)
        remove(kind.path(project.root, video))


def downstream(project: Project, origin: Stage[..., Any]) -> list[Stage[..., Any]]:
    """The stages of one video that read what `origin` makes, directly or not, in order."""
    made = set(origin.outputs)
    found: list[Stage[..., Any]] = []
    for stage in project.stages:
        if made & set(stage.inputs.values()) and not stage.over_dataset:
            found.append(stage)
            made |= set(stage.outputs)
    return found


def _compute(project: Project, stage: Stage[..., Any], video: str, state: State) -> None:
    assert state.ingredients is not None
    arguments: dict[str, Any] = {name: _open(project, stage, name, video) for name in stage.inputs}
    arguments |= {"params": project.params[stage.name], **project.also(stage)}
    for name, kind in stage.supplied.items():
        arguments[name] = project.compute if kind is Compute else Checkpoints.at(parts_of(project, state))
    produced = stage.function(**arguments)
    made = produced if isinstance(produced, tuple) else (produced,)
    if len(made) != len(stage.outputs):
        raise SemflowError(f"{stage.name} must return {len(stage.outputs)} artifacts, got {len(made)}")
    recipes: list[tuple[Path, Recipe]] = []
    with contextlib.ExitStack() as partials:
        ready: list[tuple[Path, Path]] = []
        for kind, artifact in zip(stage.outputs, made, strict=True):
            final = kind.path(project.root, video)
            beside = partials.enter_context(partial(final, project.root / kind.FOLDER))
            artifact.save(beside)
            ready.append((beside, final))
        for kind, (beside, final) in zip(stage.outputs, ready, strict=True):
            move(beside, final)
            recipe = Recipe(state.ingredients.key, state.ingredients, project.hashes.of(final), None)
            recipes.append((Recipe.path(kind, project.root, video), recipe))
    for path, recipe in recipes:
        recipe.save(path)
    remember(project, [recipe for _, recipe in recipes])


def _open(project: Project, stage: Stage[..., Any], name: str, video: str) -> Any:
    kind = stage.inputs[name]
    if name in stage.whole:
        return Dataset(kind, whole_dataset(project, stage, kind))
    path = project.path(kind, video)
    return kind.open(path) if issubclass(kind, Source) else kind.load(path)


def _record_fault(project: Project, stage: Stage[..., Any], video: str, state: State, error: str) -> None:
    assert state.ingredients is not None
    for gone in (stage, *downstream(project, stage)):
        discard(project, gone, video)
    for kind in stage.outputs:
        Recipe(state.ingredients.key, state.ingredients, {}, error).save(Recipe.path(kind, project.root, video))


@contextlib.contextmanager
def _turn(project: Project, stage: Stage[..., Any]) -> Generator[None]:
    """Items that use the accelerator take turns; on a CPU the workers are the only bound."""
    if stage.accelerator and resolve_device(project.compute.device) != "cpu":
        with _accelerator:
            yield
    else:
        yield


@contextlib.contextmanager
def locked(project: Project) -> Generator[None]:
    """Hold the project for one run, and clear away what a killed one left; a second run is told so."""
    path = project.root / STATE / "lock"
    with exclusive(path) as mine:
        if not mine:
            raise SemflowError(
                f"{project.root} must have one run at a time, got another one under way (process "
                f"{path.read_text() or 'unknown'}); wait for it to end"
            )
        _clear_partial(project)
        try:
            yield
        finally:
            _clear_partial(project)


def _clear_partial(project: Project) -> None:
    for folder in artifact_folders(project):
        remove(project.root / folder / PARTIAL)


def artifact_folders(project: Project) -> dict[str, type[Artifact]]:
    """Folder to the artifact class that lies there."""
    return {kind.FOLDER: kind for stage in project.stages for kind in stage.outputs}
