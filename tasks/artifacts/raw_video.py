"""An input video file in `data/raw`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tasks.artifacts.artifact import Artifact
from tasks.errors import SemflowError


@dataclass(frozen=True)
class RawVideo(Artifact):
    """A file in `data/raw` under its original name; no stage writes one."""

    FOLDER: ClassVar[str] = "data/raw"
    SUFFIX: ClassVar[str] = ""

    file: Path
    video: str = ""
    """Name of the video in the data set; "" outside one."""

    @property
    def name(self) -> str:
        """The path below data/raw; the file name alone where it lies elsewhere."""
        parts = self.file.parts
        inside = [n for n in range(1, len(parts)) if parts[n - 1 : n + 1] == ("data", "raw")]
        return "/".join(parts[inside[-1] + 1 :]) if inside else self.file.name

    def save(self, path: Path) -> None:
        raise SemflowError(f"{path} must be put there by you: stages read data/raw and never write it")

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(path)
