"""Dense optical flow between neighbouring frames, forward and backward, with validity masks.

Row `i` of the Parquet file is the pair of frames (i, i + 1). The flow fields are stored as bytes (flow_encoding.py).
Scalars of each pair (camera motion, photometric error, cuts) are plain columns, which a query reads without the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.dense_flow_file import FIELD_COLUMNS, METADATA_KEY, write_dense_flow
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.parquet_file import ROWS_PER_GROUP, open_parquet, read_columns
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True, eq=False)
class DenseFlow(Artifact):
    """A reader: scalars are in memory, flow fields are read from disk on access. `len` is the number of pairs."""

    FOLDER: ClassVar[str] = "data/dense_flow"
    SUFFIX: ClassVar[str] = ".parquet"

    file: pq.ParquetFile
    metadata: FlowMetadata
    scalars: pa.Table
    """All columns but the flow fields and masks."""
    _row_groups: dict[str, tuple[int, pa.Array]] = field(
        default_factory=dict[str, "tuple[int, pa.Array]"], init=False, repr=False
    )
    """Row group and bytes that were read last, by column: pairs are mostly read in order."""

    def __len__(self) -> int:
        return self.scalars.num_rows

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
        return self.scalars.column("photometric_error").to_numpy()

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """(pairs,) whether there is a cut between the frames."""
        return self.scalars.column("cut").to_numpy()

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(pairs,) whether there is flow: neither a cut nor a missing frame."""
        return ~self.cut & ~np.isnan(self.photometric_error)

    @cached_property
    def valid_share(self) -> NDArray[np.float32]:
        """(pairs,) share of the pixels of frame i where the flow is valid, 0..1."""
        return self.scalars.column("valid_share").to_numpy()

    @cached_property
    def cameras(self) -> NDArray[np.float64]:
        """(pairs, 3, 3) homographies from frame i to i + 1."""
        flat = self.scalars.column("camera").combine_chunks().flatten()
        return flat.to_numpy(zero_copy_only=False).reshape(-1, 3, 3)

    @cached_property
    def camera_inliers(self) -> NDArray[np.float32]:
        """(pairs,) share of the trusted vectors that move with the camera; 0 where there was too little to tell."""
        return self.scalars.column("camera_inliers").to_numpy()

    def camera(self, i: int) -> NDArray[np.float64]:
        """(3, 3) homography of frame i onto frame i + 1; the identity where there was too little to tell."""
        return self.cameras[self._check_index(i)]

    def forward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i to frame i + 1, px; zero where there is no flow."""
        return self.metadata.encoding.decode(self._bytes("forward", i))

    def backward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i + 1 to frame i, px; zero where there is no flow."""
        return self.metadata.encoding.decode(self._bytes("backward", i))

    def valid(self, i: int) -> Mask:
        """(h, w) pixels of frame i whose forward flow may be trusted."""
        return self.metadata.encoding.decode_mask(self._bytes("valid", i))

    def valid_backward(self, i: int) -> Mask:
        """(h, w) pixels of frame i + 1 whose backward flow may be trusted."""
        return self.metadata.encoding.decode_mask(self._bytes("valid_backward", i))

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
        return cast("pd.DataFrame", self.scalars.to_pandas())

    def save(self, path: Path) -> None:
        times = [*self.pts_s.tolist(), *self.end_s[-1:].tolist()]
        DenseFlow.stream(self, self.metadata, None if np.isnan(times).any() else times).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, metadata = open_parquet(path, cls, METADATA_KEY, "a dense flow artifact")
        scalars = [name for name in file.schema_arrow.names if name not in FIELD_COLUMNS]
        return cls(file, FlowMetadata.from_json(metadata, path.name), read_columns(file, scalars))

    @staticmethod
    def stream(
        pairs: Iterable[FlowPair], metadata: FlowMetadata, pts_s: Sequence[float] | None = None
    ) -> StreamingArtifact[DenseFlow]:
        """Dense flow that is written pair by pair; `pts_s` are the times of all frames, None where not known."""
        return StreamingArtifact(DenseFlow, lambda path: write_dense_flow(path, pairs, metadata, pts_s))

    def _times(self, name: str) -> NDArray[np.float64]:
        if name not in self.scalars.column_names:  # schema 1
            return np.full(len(self), np.nan)
        return self.scalars.column(name).to_numpy().astype(np.float64)

    def _check_index(self, i: int) -> int:
        if not 0 <= i < len(self):
            raise SemflowError(f"pair must lie in [0, {len(self)}), got {i}")
        return i

    def _bytes(self, column: str, i: int) -> bytes | None:
        group, row = divmod(self._check_index(i), ROWS_PER_GROUP)
        if self._row_groups.get(column, (-1,))[0] != group:
            group_bytes = self.file.read_row_group(group, columns=[column]).column(column).combine_chunks()
            self._row_groups[column] = (group, group_bytes)
        return self._row_groups[column][1][row].as_py()
