"""The HTML report of a video: a folder with a page, the film it plays, and the data that it draws over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.errors import SemflowError


@dataclass(frozen=True)
class Report(Artifact):
    """A folder with `index.html`, which needs no more than `film.mp4` and `film.js` beside it, or not even those."""

    FOLDER: ClassVar[str] = "reports"
    SUFFIX: ClassVar[str] = ""
    PAGE: ClassVar[str] = "index.html"
    FILM: ClassVar[str] = "film.mp4"
    """The plain film at working size; absent where the parameters turn it off or the video has no frames."""
    FILM_SCRIPT: ClassVar[str] = "film.js"
    """Tracks, poses, actions and maps that the page draws over the film; there where the film is."""
    OVERLAY: ClassVar[str] = "overlay.mp4"
    """The film with everything burnt in; absent where the parameters do not ask for it or the video has no frames."""

    folder: Path

    def save(self, path: Path) -> None:
        raise SemflowError(f"{path}: a report is streamed into its folder; return Streamed[Report]")

    @classmethod
    def load(cls, path: Path) -> Self:
        if not (path / cls.PAGE).is_file():
            raise SemflowError(f"{path} must hold {cls.PAGE}, got none: run `semflow run` to make the report")
        return cls(path)
