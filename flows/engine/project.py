"""A project: a folder with `params.yaml`, videos in `data/raw`, and the stages that apply to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tasks.artifacts.artifact import ALL, Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.content import Hashes
from tasks.errors import SemflowError
from tasks.params import Compute, Params, read_params
from tasks.stage import Stage

PARAMS = "params.yaml"
STATE = ".semflow"
"""Folder for what helps this machine and is no result: hashes, logs, the lock."""


@dataclass(frozen=True)
class Project:
    """Everything that a run needs to know, read once."""

    root: Path
    stages: tuple[Stage[..., Any], ...]
    params: Mapping[str, Params]
    videos: Mapping[str, Path]
    """Video name to its file in data/raw, sorted by name."""
    hashes: Hashes

    @classmethod
    def open(cls, root: Path, stages: Sequence[Stage[..., Any]]) -> Project:
        """Read parameters and list the videos; raises BadParams or SemflowError with what to mend."""
        sections: dict[str, type[Params]] = {"compute": Compute} | {stage.name: stage.params for stage in stages}
        return cls(
            root=root,
            stages=tuple(stages),
            params=read_params(root / PARAMS, sections),
            videos=list_videos(root / RawVideo.FOLDER),
            hashes=Hashes(root / STATE / "hashes.json"),
        )

    @property
    def compute(self) -> Compute:
        """How to compute."""
        section = self.params["compute"]
        assert isinstance(section, Compute)
        return section

    def also(self, stage: Stage[..., Any]) -> dict[str, Params]:
        """Argument name to the parameters of another stage that `stage` reads too."""
        return {name: self.params[self.section(kind)] for name, kind in stage.also.items()}

    def section(self, kind: type[Params]) -> str:
        """The section of params.yaml that `kind` describes."""
        return next(stage.name for stage in self.stages if stage.params is kind)

    @cached_property
    def producers(self) -> Mapping[type[Artifact], Stage[..., Any]]:
        """Artifact class to the stage that makes it."""
        return {kind: stage for stage in self.stages for kind in stage.outputs}

    def path(self, kind: type[Artifact], video: str) -> Path:
        """Where an artifact of `video` lies; for RawVideo, the file as its owner named it."""
        if kind is RawVideo:
            return self.videos[video]
        return kind.path(self.root, ALL if self.over_dataset(kind) else video)

    def over_dataset(self, kind: type[Artifact]) -> bool:
        """Whether there is one artifact of this class for all videos."""
        return kind in self.producers and self.producers[kind].over_dataset

    def owners(self, kind: type[Artifact]) -> list[str]:
        """The names under which artifacts of this class lie: the videos, or the one for all of them."""
        return [ALL] if self.over_dataset(kind) else list(self.videos)


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds params.yaml."""
    for folder in (start, *start.parents):
        if (folder / PARAMS).is_file():
            return folder
    raise SemflowError(
        f"{start} must lie inside a semflow project (a folder with {PARAMS}), got none here or above; "
        " change into your clone"
    )


def list_videos(folder: Path) -> dict[str, Path]:
    """Every file below `folder` by its relative name without the ending; hidden ones are left out."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        name = relative.with_suffix("").as_posix()
        if name in found:
            raise SemflowError(
                f"video names must differ, got {found[name].name} and {path.name} in {path.parent}: both "
                f"would be called {name!r}; rename one of them"
            )
        found[name] = path
    return dict(sorted(found.items()))
