"""Semantic correspondence: displacement of every feature cell to a later frame, with confidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.npy_file import read_npy, write_npy
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid


@dataclass(frozen=True, slots=True)
class SemanticFlowPair:
    """Quality of the match of two frames."""

    frame_a: int
    """The earlier frame."""
    frame_b: int
    """The later frame."""
    mutual_share: float | None = None
    """Share of the cells that are mutual nearest neighbours, 0..1; None where either frame is missing."""
    agreement: float | None = None
    """Mean of 1 / (1 + distance to the optical flow in cells) over the cells where that is known; None: nowhere."""
    start_s: float | None = None
    """Presentation time of frame_a, seconds; None where it is not known."""
    end_s: float | None = None
    """Presentation time of frame_b, seconds; None where it is not known."""


@dataclass(frozen=True)
class SemanticFlowMetadata:
    """Metadata of the whole file."""

    frame_count: int
    """Rows of the frames artifact."""
    width: int
    """Working width in pixels."""
    height: int
    """Working height in pixels."""
    grid: CellGrid
    video: str = ""
    """Name of the video; "" outside a data set, and in files of schema 1."""


@dataclass(frozen=True, eq=False)
class SemanticFlow(Artifact):
    """A reader: the fields are memory-mapped. `len` is the number of pairs."""

    FOLDER: ClassVar[str] = "data/semantic_flow"
    SUFFIX: ClassVar[str] = ".npy"

    values: NDArray[np.float16]
    """(pairs, h, w, 3): displacement x, y in working-size pixels, confidence 0..1."""
    pairs: tuple[SemanticFlowPair, ...]
    """The frames of each row, ordered by frame_a, then frame_b."""
    metadata: SemanticFlowMetadata

    def __post_init__(self) -> None:
        expected = (len(self.pairs), self.metadata.grid.rows, self.metadata.grid.columns, 3)
        if self.values.dtype != np.float16 or self.values.shape != expected:
            raise SemflowError(
                f"SemanticFlow.values must be float16 of shape {expected}, "
                f"got {self.values.dtype} of {self.values.shape}"
            )
        for pair in self.pairs:
            if not 0 <= pair.frame_a < pair.frame_b < self.metadata.frame_count:
                raise SemflowError(
                    f"SemanticFlow pairs must satisfy 0 <= frame_a < frame_b < {self.metadata.frame_count}, got {pair}"
                )

    def __len__(self) -> int:
        return len(self.pairs)

    def flow(self, row: int) -> NDArray[np.float32]:
        """(h, w, 2) displacement x, y of each cell from frame_a to frame_b, working-size pixels."""
        return self.values[self._check_row(row), ..., :2].astype(np.float32)

    def confidence(self, row: int) -> NDArray[np.float32]:
        """(h, w) 1: mutual nearest neighbours, 1/2: the backward match is a cell off; 0 where a frame is missing."""
        return self.values[self._check_row(row), ..., 2].astype(np.float32)

    def pixel_of(self, row: int, column: int) -> tuple[float, float]:
        """x, y of the centre of a cell, working-size pixels."""
        x, y = self.metadata.grid.to_px(np.array([column, row], np.float32)).tolist()
        return x, y

    def row(self, frame_a: int, frame_b: int) -> int | None:
        """The row of this pair of frames, or None where it was not matched."""
        found = (row for row, pair in enumerate(self.pairs) if (pair.frame_a, pair.frame_b) == (frame_a, frame_b))
        return next(found, None)

    def save(self, path: Path) -> None:
        SemanticFlow.stream(zip(self.pairs, self.values, strict=True), len(self), self.metadata).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        values, metadata = read_npy(path, cls)
        pairs = tuple(SemanticFlowPair(**pair) for pair in metadata.pop("pairs"))
        grid = CellGrid(**metadata.pop("grid"))
        return cls(values, pairs, SemanticFlowMetadata(grid=grid, **metadata))

    @staticmethod
    def stream(
        rows: Iterable[tuple[SemanticFlowPair, NDArray[np.float16]]], count: int, metadata: SemanticFlowMetadata
    ) -> StreamingArtifact[SemanticFlow]:
        """`count` pairs with their (h, w, 3) fields that are written one by one."""

        def write(path: Path) -> None:
            pairs: list[SemanticFlowPair] = []

            def fields() -> Iterator[NDArray[np.float16]]:
                for pair, values in rows:
                    pairs.append(pair)
                    yield values

            shape = (count, metadata.grid.rows, metadata.grid.columns, 3)
            write_npy(path, SemanticFlow, fields(), shape, {**asdict(metadata), "pairs": pairs})

        return StreamingArtifact(SemanticFlow, write)

    def _check_row(self, row: int) -> int:
        if not 0 <= row < len(self):
            raise SemflowError(f"row must lie in [0, {len(self)}), got {row}")
        return row
