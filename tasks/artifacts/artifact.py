"""What every artifact has: a folder, a file name ending, `save` and `load`.

An artifact of one video lies at `<FOLDER>/<video><SUFFIX>`; an empty SUFFIX means a folder of files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

MAKE_AGAIN = "run `semflow run` to make it again"
"""What to do about an artifact that this version cannot read."""


class Artifact(ABC):
    """One video's worth of something that flows between stages."""

    FOLDER: ClassVar[str]
    """Where the artifacts of this class lie, relative to the project root: also the DVC out."""
    SUFFIX: ClassVar[str]
    """Ending of the file name, or "" where the artifact is a folder."""

    @classmethod
    def path(cls, root: Path, video: str) -> Path:
        """Where this artifact of `video` lies in the project at `root`."""
        return root / cls.FOLDER / f"{video.removeprefix('/')}{cls.SUFFIX}"  # ALL starts with one

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write to `path`, whose parent exists; equal artifacts give equal bytes."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Self:
        """Open what `save` wrote; large contents stay on disk until asked for."""


A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class StreamingArtifact(Generic[A]):
    """An artifact that is written piece by piece and never lies in memory whole.

    A stage that returns `Streamed[Frames]` hands over the recipe for writing; the engine calls `save`.
    """

    kind: type[A]
    write: Callable[[Path], None]

    def save(self, path: Path) -> None:
        self.write(path)

    def to(self, path: Path) -> A:
        """Write to `path` and open it from there."""
        self.write(path)
        return self.kind.load(path)


class UserInput(Artifact):
    """Something that people write for the pipeline, like labels. It may be absent, and no stage makes it."""

    @classmethod
    @abstractmethod
    def absent(cls) -> Self:
        """What stages get where nobody wrote one."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """What lies at `path`, or `absent()` where nothing does."""
        return cls.load(path) if path.exists() else cls.absent()

    def save(self, path: Path) -> None:
        raise TypeError(f"{type(self).__name__} must be written by people, got a stage that saves one to {path}")


DATASET_ITEM = "/dataset"
"""Stands for the whole dataset where a video is named: no file can be called so. Its artifact lies at
`<FOLDER>/dataset<SUFFIX>`."""


@dataclass(frozen=True)
class Dataset(Generic[A]):
    """One artifact of every video: what a stage over the whole dataset reads, a video at a time."""

    kind: type[A]
    paths: Mapping[str, Path]
    """Video name to its artifact, sorted by name; videos whose file is at fault, or that the stage does not choose,
    are not among them."""

    def __len__(self) -> int:
        return len(self.paths)

    def items(self) -> Iterator[tuple[str, A]]:
        """(video, artifact), opened one after the other."""
        for video, path in self.paths.items():
            yield video, self.kind.load(path)
