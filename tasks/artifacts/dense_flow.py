"""Dense optical flow between neighbouring frames, forward and backward, with validity masks.

Row `i` of the Parquet file is the pair of frames (i, i + 1). The flow fields are stored as bytes (flow_encoding.py).
Scalars of each pair (camera motion, photometric error, cuts) are plain columns, which a query reads without the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Indices, Mask
from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.dense_flow_file import FIELD_COLUMNS, METADATA_KEY, write_dense_flow
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.parquet_file import (
    list_group_starts,
    locate_row,
    open_parquet,
    read_column,
    read_columns,
)
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True, eq=False)
class DenseFlow(Artifact):
    """A reader: a scalar of all pairs is read when it is asked for, flow pair by pair. `len` is the number of pairs."""

    FOLDER: ClassVar[str] = "data/dense_flow"
    SUFFIX: ClassVar[str] = ".parquet"

    file: pq.ParquetFile
    metadata: FlowMetadata
    _row_groups: dict[str, tuple[int, pa.Array]] = field(
        default_factory=dict[str, "tuple[int, pa.Array]"], init=False, repr=False
    )
    """Row group and values that were read last, by column: pairs are mostly read in order."""

    def __len__(self) -> int:
        return int(self.file.metadata.num_rows)

    def __iter__(self) -> Iterator[FlowPair]:
        return map(self.pair, range(len(self)))

    @property
    def height(self) -> int:
        """Working height in pixels."""
        return self.metadata.encoding.height

    @property
    def width(self) -> int:
        """Working width in pixels."""
        return self.metadata.encoding.width

    @property
    def video(self) -> str:
        """Name of the video; "" outside a data set."""
        return self.metadata.video

    @cached_property
    def pts_s(self) -> NDArray[np.float64]:
        """(pairs,) presentation time of the first frame, seconds; NaN where times are not known."""
        return self._times("pts_s")

    @cached_property
    def end_s(self) -> NDArray[np.float64]:
        """(pairs,) presentation time of the second frame, seconds; NaN where times are not known."""
        return self._times("end_s")

    @cached_property
    def photometric_error(self) -> NDArray[np.float32]:
        """(pairs,) mean difference after warping, grey levels; NaN where a frame is missing."""
        return read_column(self.file, "photometric_error")

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """(pairs,) whether there is a cut between the frames."""
        return read_column(self.file, "cut")

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(pairs,) whether there is flow: neither a cut nor a missing frame."""
        return ~self.cut & ~np.isnan(self.photometric_error)

    @cached_property
    def valid_share(self) -> NDArray[np.float32]:
        """(pairs,) share of the pixels of frame i where the flow is valid, 0..1."""
        return read_column(self.file, "valid_share")

    @cached_property
    def cameras(self) -> NDArray[np.float64]:
        """(pairs, 3, 3) homographies from frame i to i + 1."""
        flat = read_columns(self.file, ["camera"]).column("camera").combine_chunks().flatten()
        return flat.to_numpy(zero_copy_only=False).reshape(-1, 3, 3)

    @cached_property
    def camera_inliers(self) -> NDArray[np.float32]:
        """(pairs,) share of the trusted vectors that move with the camera; 0 where there was too little to tell."""
        return read_column(self.file, "camera_inliers")

    def camera(self, i: int) -> NDArray[np.float64]:
        """(3, 3) homography of frame i onto frame i + 1; the identity where there was too little to tell."""
        return np.array(self._read_value("camera", i), np.float64).reshape(3, 3)

    def forward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i to frame i + 1, px; zero where there is no flow."""
        return self.metadata.encoding.decode(self._read_value("forward", i))

    def backward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i + 1 to frame i, px; zero where there is no flow."""
        return self.metadata.encoding.decode(self._read_value("backward", i))

    def valid(self, i: int) -> Mask:
        """(h, w) pixels of frame i whose forward flow may be trusted."""
        return self.metadata.encoding.decode_mask(self._read_value("valid", i))

    def valid_backward(self, i: int) -> Mask:
        """(h, w) pixels of frame i + 1 whose backward flow may be trusted."""
        return self.metadata.encoding.decode_mask(self._read_value("valid_backward", i))

    def pair(self, i: int) -> FlowPair:
        """Flow fields, masks and scalars of frames i and i + 1."""
        return FlowPair(
            forward=self.forward(i),
            backward=self.backward(i),
            valid=self.valid(i),
            valid_backward=self.valid_backward(i),
            photometric_error=float(self.photometric_error[i]),
            cut=bool(self.cut[i]),
            camera=self.camera(i),
            camera_inliers=float(self.camera_inliers[i]),
        )

    def to_pandas(self) -> pd.DataFrame:
        """The scalars of every pair, without the flow fields."""
        return cast("pd.DataFrame", read_columns(self.file, self._scalars).to_pandas())

    def save(self, path: Path) -> None:
        times = [*self.pts_s.tolist(), *self.end_s[-1:].tolist()]
        DenseFlow.stream(self, self.metadata, None if np.isnan(times).any() else times).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, metadata = open_parquet(path, cls, METADATA_KEY, "a dense flow artifact")
        return cls(file, FlowMetadata.from_json(metadata, path.name))

    @staticmethod
    def stream(
        pairs: Iterable[FlowPair], metadata: FlowMetadata, pts_s: Sequence[float] | NDArray[np.float64] | None = None
    ) -> StreamingArtifact[DenseFlow]:
        """Dense flow that is written pair by pair; `pts_s` are the times of all frames, None where not known."""
        return StreamingArtifact(DenseFlow, lambda path: write_dense_flow(path, pairs, metadata, pts_s))

    @property
    def _scalars(self) -> list[str]:
        """Names of all columns but the flow fields and masks."""
        return [name for name in self.file.schema_arrow.names if name not in FIELD_COLUMNS]

    def _times(self, name: str) -> NDArray[np.float64]:
        if name not in self._scalars:  # schema 1
            return np.full(len(self), np.nan)
        return read_column(self.file, name).astype(np.float64)

    def _check_index(self, i: int) -> int:
        if not 0 <= i < len(self):
            raise SemflowError(f"pair must lie in [0, {len(self)}), got {i}")
        return i

    @cached_property
    def _group_starts(self) -> Indices:
        return list_group_starts(self.file)

    def _read_value(self, column: str, i: int) -> Any:
        """The value of one pair, as Python has it."""
        group, row = locate_row(self._group_starts, self._check_index(i))
        if self._row_groups.get(column, (-1,))[0] != group:
            values = self.file.read_row_group(group, columns=[column]).column(column).combine_chunks()
            self._row_groups[column] = (group, values)
        return self._row_groups[column][1][row].as_py()
