"""Base classes of artifacts: the data that stages read and write, with folder, file suffix, `save` and `load`.

An artifact of one video lies at `<FOLDER>/<video><SUFFIX>`; an empty SUFFIX means a folder of files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from tasks.errors import SemflowError

SCHEMA_VERSION = 2
"""Version of the files' columns and metadata, stored in each; 1 had neither `video` nor, in most tables, times."""
MAKE_AGAIN = "run `semflow run` to make it again"
"""The end of error messages about artifacts that this version cannot read."""


def check_schema(kind: type[Artifact], artifact: str | None, version: str | None, name: str) -> None:
    """Raise SemflowError where the file `name` is another artifact, or of a schema that this version does not know.

    `artifact` and `version` are what the file says of itself. Files of schema 1 say neither, and are read: without the
    video's name, and without times that they lack.
    """
    wanted = kind.artifact_name()
    if artifact not in (None, wanted):
        raise SemflowError(f"{name} must hold {wanted}, got {artifact}; give the path of a file of {wanted}")
    stored = version or "1"
    if not stored.isdecimal() or int(stored) > SCHEMA_VERSION:
        raise SemflowError(
            f"{name} must have a schema version up to {SCHEMA_VERSION}, got {stored}: a later semflow wrote it; "
            "upgrade with `pip install -U semflow`"
        )


class Artifact(ABC):
    """Input or output of a stage for one video."""

    FOLDER: ClassVar[str]
    """Where the artifacts of this class lie, relative to the project root: also the DVC out."""
    SUFFIX: ClassVar[str]
    """Ending of the file name, or "" where the artifact is a folder."""

    @classmethod
    def artifact_name(cls) -> str:
        """The last part of FOLDER, such as `tracks`: the artifact's name in commands, SQL and file metadata."""
        return cls.FOLDER.rpartition("/")[2]

    @classmethod
    def path(cls, root: Path, video: str) -> Path:
        """Where this artifact of `video` lies in the project at `root`."""
        return root / cls.FOLDER / f"{video.removeprefix('/')}{cls.SUFFIX}"  # DATASET_ITEM starts with one

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write to `path`, whose parent exists; equal artifacts give equal bytes."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Self:
        """Open what `save` wrote; large arrays stay on disk until they are accessed."""


A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class StreamingArtifact(Generic[A]):
    """An artifact that is written piece by piece and is never in memory as a whole.

    A stage that returns `StreamingArtifact[Frames]` returns the function that writes it; the engine calls `save`.
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
    """An input file that users write, such as labels. It may be absent, and no stage writes it."""

    @classmethod
    @abstractmethod
    def absent(cls) -> Self:
        """The value that stages receive where there is no file."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """The artifact at `path`, or `absent()` where there is no file."""
        return cls.load(path) if path.exists() else cls.absent()

    def save(self, path: Path) -> None:
        raise TypeError(f"{type(self).__name__} must be written by people, got a stage that saves one to {path}")


DATASET_ITEM = "/dataset"
"""Used in place of a video's name for the whole dataset; no video can have this name. Its artifact is
`<FOLDER>/dataset<SUFFIX>`."""


@dataclass(frozen=True)
class Dataset(Generic[A]):
    """One artifact of every video: input of a stage over the whole dataset, read video by video."""

    kind: type[A]
    paths: Mapping[str, Path]
    """Video name to the path of its artifact, sorted by name; without videos whose file is faulty or that the stage
    does not select."""

    def __len__(self) -> int:
        return len(self.paths)

    def items(self) -> Iterator[tuple[str, A]]:
        """(video, artifact), opened one after the other."""
        for video, path in self.paths.items():
            yield video, self.kind.load(path)
