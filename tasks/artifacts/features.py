"""Visual features: a grid of feature vectors per frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.npy_file import read_npy, write_npy
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid, pool_boxes


@dataclass(frozen=True)
class FeatureMetadata:
    """Metadata of the whole file."""

    network: str
    """Name of the backbone."""
    layers: tuple[str, ...]
    """Its layers whose outputs are concatenated."""
    width: int
    """Working width of the frames in pixels."""
    height: int
    """Working height of the frames in pixels."""
    grid: CellGrid
    """Positions of the cells on the frame."""


@dataclass(frozen=True, eq=False)
class Features(Artifact):
    """A reader: the vectors are memory-mapped. `len` is the number of frames."""

    FOLDER: ClassVar[str] = "data/features"
    SUFFIX: ClassVar[str] = ".npy"

    values: NDArray[np.float16]
    """(t, h, w, d): unit vectors, as far as float16 holds them; zeros where a frame is damaged or lost."""
    metadata: FeatureMetadata

    def __post_init__(self) -> None:
        expected = (self.metadata.grid.rows, self.metadata.grid.columns)
        if self.values.dtype != np.float16 or self.values.ndim != 4 or self.values.shape[1:3] != expected:  # noqa: PLR2004  axes t, h, w, d
            raise SemflowError(
                f"Features.values must be float16 of shape (t, {expected[0]}, {expected[1]}, d), "
                f"got {self.values.dtype} of {self.values.shape}"
            )

    def __len__(self) -> int:
        return len(self.values)

    def vectors(self, frame: int) -> NDArray[np.float16] | None:
        """(h, w, d) vectors of a frame; None where it is damaged or lost."""
        if not 0 <= frame < len(self):
            raise SemflowError(f"frame must lie in [0, {len(self)}), got {frame}")
        found = self.values[frame]
        return found if found[0, 0].any() else None

    def pool_box_features(self, frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
        """(n, d) unit vector of each of (n, 4) boxes in pixels; None where the frame is damaged or lost."""
        found = self.vectors(frame)
        return None if found is None else pool_boxes(found, self.metadata.grid, xyxy)

    def save(self, path: Path) -> None:
        Features.stream(self.values, self.values.shape, self.metadata).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        values, metadata = read_npy(path)
        grid = CellGrid(**metadata.pop("grid"))
        layers: tuple[str, ...] = tuple(metadata.pop("layers"))
        return cls(values, FeatureMetadata(layers=layers, grid=grid, **metadata))

    @staticmethod
    def stream(
        rows: Iterable[NDArray[Any]], shape: tuple[int, ...], metadata: FeatureMetadata
    ) -> StreamingArtifact[Features]:
        """(t, h, w, d) `shape` of vectors that are written frame by frame."""
        return StreamingArtifact(Features, lambda path: write_npy(path, rows, shape, asdict(metadata)))
