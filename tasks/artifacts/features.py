"""Visual features: a grid of feature vectors for the frames that are stored.

Not every frame is stored: `match` and `fit_field` read a few of each group (parameters `frame_interval` and
`frame_offsets` of `extract_features`). Only directions matter, so a vector is stored as int8, scaled such that its
largest component is 127; `vectors` gives unit vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import MAKE_AGAIN, Artifact, StreamingArtifact
from tasks.artifacts.npy_file import read_npy, write_npy
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid, l2_normalize, pool_boxes

INT8_MAX = 127


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
    video: str = ""
    """Name of the video; "" outside a data set, and in files of schema 1."""
    pts_s: tuple[float, ...] = ()
    """Presentation times of the stored frames, seconds; none where they are not known."""


class FeatureGrids(Protocol):
    """Feature grids by frame, stored or computed when they are read; `len` is the number of frames of the video."""

    @property
    def metadata(self) -> FeatureMetadata:
        """Network, size and grid."""
        ...

    def __len__(self) -> int: ...

    def is_stored(self, frame: int) -> bool:
        """Whether vectors of the frame can be read; None of `vectors` then means a damaged or lost frame."""
        ...

    def vectors(self, frame: int) -> NDArray[np.float32] | None:
        """(h, w, d) unit vectors of a frame; None where there are none."""
        ...


@dataclass(frozen=True, eq=False)
class Features(Artifact):
    """A reader: the vectors are memory-mapped. `len` is the number of frames of the video."""

    FOLDER: ClassVar[str] = "data/features"
    SUFFIX: ClassVar[str] = ".npy"

    values: NDArray[np.int8]
    """(n, h, w, d): vectors of the stored frames, each scaled to a largest component of 127; zeros where a frame is
    damaged or lost."""
    frames: NDArray[np.intp]
    """(n,) the stored frames, increasing."""
    frame_count: int
    """Number of frames of the video."""
    metadata: FeatureMetadata

    def __post_init__(self) -> None:
        expected = (len(self.frames), self.metadata.grid.rows, self.metadata.grid.columns)
        if self.values.dtype != np.int8 or self.values.ndim != 4 or self.values.shape[:3] != expected:  # noqa: PLR2004  axes n, h, w, d
            raise SemflowError(
                f"Features.values must be int8 of shape {(*expected, 'd')}, got {self.values.dtype} of "
                f"{self.values.shape}"
            )

    def __len__(self) -> int:
        return self.frame_count

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return self.values.shape[-1]

    def is_stored(self, frame: int) -> bool:
        """Whether the file has a row for the frame."""
        return self._find_row(frame) is not None

    def time_s(self, frame: int) -> float | None:
        """Presentation time of a stored frame, seconds; None where it is not known."""
        row = self._find_row(frame)
        return self.metadata.pts_s[row] if row is not None and self.metadata.pts_s else None

    def vectors(self, frame: int) -> NDArray[np.float32] | None:
        """(h, w, d) unit vectors of a frame; None where it is not stored, damaged or lost."""
        if not 0 <= frame < len(self):
            raise SemflowError(f"frame must lie in [0, {len(self)}), got {frame}")
        row = self._find_row(frame)
        found = None if row is None else self.values[row]
        return l2_normalize(found) if found is not None and found[0, 0].any() else None

    @property
    def stride(self) -> tuple[float, float]:
        """Pixels from one cell's centre to the next, across and down, at working size."""
        return self.metadata.grid.step_x, self.metadata.grid.step_y

    def pixel_of(self, row: int, column: int) -> tuple[float, float]:
        """x, y of the centre of a cell, working-size pixels."""
        x, y = self.metadata.grid.to_px(np.array([column, row], np.float32)).tolist()
        return x, y

    def frame_at(self, t: float) -> int:
        """The stored frame whose presentation time is nearest to `t` seconds, the earlier of two."""
        if not self.metadata.pts_s:
            raise SemflowError(f"features must store the times of their frames, got none (schema 1); {MAKE_AGAIN}")
        return int(self.frames[np.abs(np.array(self.metadata.pts_s) - t).argmin()])

    def at(self, x: float, y: float, t: float) -> NDArray[np.float32] | None:
        """(d,) unit vector of the cell nearest to a pixel (working size), in the stored frame nearest to `t` seconds.

        None where that frame is damaged or lost.
        """
        found = self.vectors(self.frame_at(t))
        column, row = np.rint(self.metadata.grid.to_cells(np.array([x, y], np.float32))).astype(int).tolist()
        grid = self.metadata.grid
        return None if found is None else found[min(max(row, 0), grid.rows - 1), min(max(column, 0), grid.columns - 1)]

    def pool_box_features(self, frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
        """(n, d) unit vector of each of (n, 4) boxes in pixels; None where `vectors` gives None."""
        found = self.vectors(frame)
        return None if found is None else pool_boxes(found, self.metadata.grid, xyxy)

    def check_stored(self, frames: Iterable[int], reader: str) -> None:
        """Raise SemflowError where a frame that `reader`, a parameter, asks for is not stored."""
        lacking = next((frame for frame in frames if not self.is_stored(frame)), None)
        if lacking is not None:
            raise SemflowError(
                f"{reader} must ask for frames whose features are stored, got frame {lacking}; set "
                "extract_features.frame_interval to 1, or choose frame_interval and frame_offsets that include it"
            )

    def _find_row(self, frame: int) -> int | None:
        """The row of a frame; None where it is not stored."""
        row = int(np.searchsorted(self.frames, frame))
        return row if row < len(self.frames) and self.frames[row] == frame else None

    def save(self, path: Path) -> None:
        write_npy(
            path,
            Features,
            self.values,
            self.values.shape,
            _to_json(self.metadata, self.frames, self.frame_count),
            np.int8,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        values, metadata = read_npy(path, cls)
        if values.dtype != np.int8:
            raise SemflowError(f"{path.name} must hold int8 vectors, got {values.dtype}; {MAKE_AGAIN}")
        grid = CellGrid(**metadata.pop("grid"))
        layers: tuple[str, ...] = tuple(metadata.pop("layers"))
        times: tuple[float, ...] = tuple(metadata.pop("pts_s", ()))
        frames, count = np.array(metadata.pop("frames"), np.intp), int(metadata.pop("frame_count"))
        return cls(values, frames, count, FeatureMetadata(layers=layers, grid=grid, pts_s=times, **metadata))

    @classmethod
    def from_vectors(
        cls, vectors: NDArray[Any], metadata: FeatureMetadata, frames: Sequence[int] | None = None, frame_count: int = 0
    ) -> Self:
        """Features of (n, h, w, d) vectors of any length, of `frames` (default: all) among at least `frame_count`."""
        stored = np.arange(len(vectors)) if frames is None else np.array(frames, np.intp)
        count = max(frame_count, int(stored[-1]) + 1 if len(stored) else 0)
        return cls(quantize_directions(vectors), stored, count, metadata)

    @staticmethod
    def stream(
        rows: Iterable[NDArray[Any]],
        frames: Sequence[int],
        frame_count: int,
        dimensions: int,
        metadata: FeatureMetadata,
    ) -> StreamingArtifact[Features]:
        """(h, w, d) vectors of any length of each of `frames`, written one by one; zeros where there is no image."""
        shape = (len(frames), metadata.grid.rows, metadata.grid.columns, dimensions)
        stored = np.array(frames, np.intp)
        return StreamingArtifact(
            Features,
            lambda path: write_npy(
                path, Features, map(quantize_directions, rows), shape, _to_json(metadata, stored, frame_count), np.int8
            ),
        )


def quantize_directions(vectors: NDArray[Any]) -> NDArray[np.int8]:
    """(..., d) vectors scaled to a largest component of 127 and rounded; zero vectors stay zero."""
    wide = np.asarray(vectors, np.float32)
    largest = np.abs(wide).max(axis=-1, keepdims=True)
    return np.rint(wide * (np.float32(INT8_MAX) / np.where(largest > 0, largest, np.float32(1)))).astype(np.int8)


def _to_json(metadata: FeatureMetadata, frames: NDArray[np.intp], frame_count: int) -> dict[str, Any]:
    return {**asdict(metadata), "frames": frames.tolist(), "frame_count": frame_count}
