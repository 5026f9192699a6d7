"""The HTML report of a video: a folder with a page and an overlay video."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.errors import SemflowError


@dataclass(frozen=True)
class Report(Artifact):
    """A folder with `index.html` (self-contained but for the video beside it) and `overlay.mp4`."""

    FOLDER: ClassVar[str] = "reports"
    SUFFIX: ClassVar[str] = ""
    PAGE: ClassVar[str] = "index.html"
    OVERLAY: ClassVar[str] = "overlay.mp4"
    """Absent where the parameters turn it off or the video has no frames."""

    folder: Path

    def save(self, path: Path) -> None:
        raise SemflowError(f"{path}: a report is streamed into its folder; return Streamed[Report]")

    @classmethod
    def load(cls, path: Path) -> Self:
        if not (path / cls.PAGE).is_file():
            raise SemflowError(f"{path} must hold {cls.PAGE}, got none: run `semflow run` to make the report")
        return cls(path)
