"""One film of a project as exports read it: its artifacts, timeline and file, opened when they are first used."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from flows.apps.video_artifacts import restore_artifact
from flows.engine.project import Project
from flows.export.film_timeline import FilmTimeline, timeline_from_film, timeline_from_frames
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.errors import SemflowError

log = logging.getLogger("semflow")
A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class ExportSource:
    """One video of the project."""

    project: Project
    name: str
    _opened: dict[type[Any], Any] = field(default_factory=dict[type[Any], Any], init=False, repr=False)

    @property
    def file_stem(self) -> str:
        """The video's name as one part of a path, the same as of its artifacts that are folders."""
        return self.project.videos[self.name].flat_stem

    def load(self, kind: type[A]) -> A:
        """The artifact of class `kind`, computed again where it is not kept; SemflowError where there is none."""
        if kind not in self._opened:
            path = self.project.artifact_path(kind, self.name)
            if not path.exists() and not restore_artifact(self.project, self.name, kind.FOLDER):
                raise SemflowError(
                    f"{self.name} must have {kind.FOLDER} to be exported, got none; run `semflow run` first, or "
                    f"`semflow pull {self.name}` where somebody has pushed it"
                )
            self._opened[kind] = kind.load(path)
        return self._opened[kind]

    def find(self, kind: type[A]) -> A | None:
        """The artifact of class `kind` where it is on this machine, else None."""
        return self.load(kind) if self.project.artifact_path(kind, self.name).exists() else None

    def path(self, kind: type[Artifact]) -> Path:
        """Where the artifact of class `kind` lies."""
        return self.project.artifact_path(kind, self.name)

    @property
    def film(self) -> Path:
        """The raw video; SemflowError where it is not on this machine."""
        return self.project.artifact_path(RawVideo, self.name)

    @property
    def timeline(self) -> FilmTimeline:
        """Times and images: from the frames artifact, or, where it is not kept, from the film."""
        if FilmTimeline not in self._opened:
            self._opened[FilmTimeline] = self._make_timeline()
        return self._opened[FilmTimeline]

    def _make_timeline(self) -> FilmTimeline:
        frames = self.find(Frames)
        if frames is not None:
            return timeline_from_frames(frames)
        return timeline_from_film(self.film, self.project.params.get_section(DecodeParams))
