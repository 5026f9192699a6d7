"""Where every pixel goes: flow between neighbouring frames, there and back, with what may be trusted of it.

Row `i` of the Parquet file is the pair of frames (i, i + 1). The fields lie in it as bytes (flow_encoding.py); what is
known of each pair in a few numbers (camera motion, quality, cuts) lies beside them as plain columns, so that a query
reads these without the fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.artifacts.artifact import MAKE_AGAIN, Artifact, Streamed
from tasks.artifacts.dense_flow_file import FACTS_KEY, NUMBERS, write
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.parquet import ROWS_PER_GROUP, open_parquet
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class FlowFacts:
    """What holds for the whole file."""

    frame_count: int
    """Rows of the frames artifact; there is one pair less, and none where there are no frames."""
    backend: str
    """What estimated the flow: dis, farneback, raft-small or raft."""
    encoding: FlowEncoding
    """Size of the fields, and what their bytes mean."""

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Self:
        """The facts that travel in the metadata of the file `name`."""
        values: dict[str, Any] = json.loads(text)
        encoding: dict[str, Any] = values.pop("encoding", {})
        if {*values, "encoding"} != _names(cls) or set(encoding) != _names(FlowEncoding):
            raise SemflowError(
                f"{name} must carry the facts of this version, got {', '.join(sorted(values | encoding))}; {MAKE_AGAIN}"
            )
        return cls(**values, encoding=FlowEncoding(**encoding))


@dataclass(frozen=True, eq=False)
class FlowPair:
    """What is known of one pair of frames; fields at working size, in pixels."""

    forward: FlowField
    """(h, w, 2) from frame i to i + 1."""
    backward: FlowField
    """(h, w, 2) from frame i + 1 to i."""
    valid: Mask
    """(h, w) pixels of frame i where both flows agree; elsewhere the point is hidden in frame i + 1 or a flow wrong."""
    valid_backward: Mask
    """(h, w) the same for frame i + 1."""
    photometric_error: float
    """Mean difference of frame i and frame i + 1 warped onto it, grey levels 0..255; NaN where a frame is missing."""
    cut: bool
    """Whether the scene changes between the two frames; the flow is zero then, and nowhere valid."""
    camera: NDArray[np.float64]
    """(3, 3) homography of what most of the frame does, from frame i to i + 1."""
    camera_inliers: float
    """Share of the trusted vectors that move with the camera, 0..1; 0 where there was too little to tell."""

    @classmethod
    def nothing(cls, encoding: FlowEncoding, photometric_error: float = float("nan"), cut: bool = False) -> Self:
        """A pair without flow: a cut, or a frame that is damaged or lost."""
        return cls(
            forward=encoding.decode(None),
            backward=encoding.decode(None),
            valid=encoding.decode_mask(None),
            valid_backward=encoding.decode_mask(None),
            photometric_error=photometric_error,
            cut=cut,
            camera=np.eye(3),
            camera_inliers=0.0,
        )

    @property
    def known(self) -> bool:
        """Whether there is any flow: False for a cut, and where a frame is missing."""
        return not (self.cut or np.isnan(self.photometric_error))


@dataclass(frozen=True, eq=False)
class DenseFlow(Artifact):
    """A reader: the numbers at hand, fields from disk when asked for. `len` counts pairs."""

    FOLDER: ClassVar[str] = "data/dense_flow"
    SUFFIX: ClassVar[str] = ".parquet"

    file: pq.ParquetFile
    facts: FlowFacts
    numbers: pa.Table
    """All columns but the fields."""
    _at_hand: dict[str, tuple[int, pa.Array]] = field(
        default_factory=dict[str, "tuple[int, pa.Array]"], init=False, repr=False
    )
    """Row group and bytes that were read last, by column: pairs are mostly asked for in order."""

    def __len__(self) -> int:
        return self.numbers.num_rows

    def __iter__(self) -> Iterator[FlowPair]:
        return map(self.pair, range(len(self)))

    @property
    def height(self) -> int:
        """Working height in pixels."""
        return self.facts.encoding.height

    @property
    def width(self) -> int:
        """Working width in pixels."""
        return self.facts.encoding.width

    @cached_property
    def photometric_error(self) -> NDArray[np.float32]:
        """(pairs,) mean difference after warping, grey levels; NaN where a frame is missing."""
        return self.numbers.column("photometric_error").to_numpy()

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """(pairs,) whether the scene changes there."""
        return self.numbers.column("cut").to_numpy()

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(pairs,) whether there is any flow: neither a cut nor a missing frame."""
        return ~self.cut & ~np.isnan(self.photometric_error)

    @cached_property
    def valid_share(self) -> NDArray[np.float32]:
        """(pairs,) share of the pixels of frame i where the flow is valid, 0..1."""
        return self.numbers.column("valid_share").to_numpy()

    @cached_property
    def cameras(self) -> NDArray[np.float64]:
        """(pairs, 3, 3) homographies from frame i to i + 1."""
        flat = self.numbers.column("camera").combine_chunks().flatten()
        return flat.to_numpy(zero_copy_only=False).reshape(-1, 3, 3)

    @cached_property
    def camera_inliers(self) -> NDArray[np.float32]:
        """(pairs,) share of the trusted vectors that move with the camera; 0 where there was too little to tell."""
        return self.numbers.column("camera_inliers").to_numpy()

    def camera(self, i: int) -> NDArray[np.float64]:
        """(3, 3) homography of frame i onto frame i + 1; the identity where there was too little to tell."""
        return self.cameras[self._checked(i)]

    def forward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i to frame i + 1, px; zero where there is no flow."""
        return self.facts.encoding.decode(self._bytes("forward", i))

    def backward(self, i: int) -> FlowField:
        """(h, w, 2) displacement of each pixel of frame i + 1 to frame i, px; zero where there is no flow."""
        return self.facts.encoding.decode(self._bytes("backward", i))

    def valid(self, i: int) -> Mask:
        """(h, w) pixels of frame i whose forward flow may be trusted."""
        return self.facts.encoding.decode_mask(self._bytes("valid", i))

    def valid_backward(self, i: int) -> Mask:
        """(h, w) pixels of frame i + 1 whose backward flow may be trusted."""
        return self.facts.encoding.decode_mask(self._bytes("valid_backward", i))

    def pair(self, i: int) -> FlowPair:
        """All that is known of frames i and i + 1."""
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
        """The numbers of every pair, without the fields."""
        return cast("pd.DataFrame", self.numbers.to_pandas())

    def save(self, path: Path) -> None:
        DenseFlow.stream(self, self.facts).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, facts = open_parquet(path, FACTS_KEY, "a dense flow artifact")
        return cls(file, FlowFacts.from_json(facts, path.name), file.read(NUMBERS))

    @staticmethod
    def stream(pairs: Iterable[FlowPair], facts: FlowFacts) -> Streamed[DenseFlow]:
        """A flow that is written pair by pair, as they come."""
        return Streamed(DenseFlow, lambda path: write(path, pairs, facts))

    def _checked(self, i: int) -> int:
        if not 0 <= i < len(self):
            raise SemflowError(f"pair must lie in [0, {len(self)}), got {i}")
        return i

    def _bytes(self, column: str, i: int) -> bytes | None:
        group, row = divmod(self._checked(i), ROWS_PER_GROUP)
        if self._at_hand.get(column, (-1,))[0] != group:
            held = self.file.read_row_group(group, columns=[column]).column(column).combine_chunks()
            self._at_hand[column] = (group, held)
        return self._at_hand[column][1][row].as_py()


def _names(kind: Any) -> set[str]:
    return {f.name for f in fields(kind)}
