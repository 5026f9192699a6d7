"""The semantic field: label maps with confidence and ordinal depth for the selected frames of a video.

Parquet with one row per map and the maps as compressed bytes, so that one frame can be read alone. Maps are smaller
than the frames; `SemanticField.scale` converts working-size pixels to map pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Artifact, StreamingArtifact
from tasks.artifacts.parquet_file import (
    ROWS_PER_GROUP,
    VIDEO,
    make_field,
    make_schema,
    make_time_field,
    open_parquet,
)
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"semflow.semantic_field"
ZSTD_LEVEL = 9
DEPTH_METRIC_PREFIX = "nearness "  # prefix of the metrics that hold the ordinal depth of each label value
DEPTH_STEPS = 30  # quantisation of ordinal depth: finer than the planes
CONFIDENCE_STEPS = 15  # quantisation of confidence: finer steps are noise, and take four times the space


@dataclass(frozen=True)
class FieldClass:
    """Meaning of one value of the label maps."""

    name: str
    """Name of the class, or of the object where every object has its own value."""
    track_id: int | None = None
    """Identity in data/tracks, where a value is one object."""


@dataclass(frozen=True)
class FieldMetadata:
    """Metadata of the whole field."""

    frame_count: int
    """Rows of the frames artifact."""
    frame_width: int
    """Working width of the frames in pixels."""
    frame_height: int
    """Working height of the frames in pixels."""
    width: int
    """Of the maps, pixels."""
    height: int
    """Of the maps, pixels."""
    classes: tuple[FieldClass, ...]
    """By value in the label maps; 0 is the background."""
    source: str
    """Origin of the labels: `user`, `tracks`, or `none`."""
    reason: str | None = None
    """Why there are no maps, as a sentence; None where there are."""
    video: str = ""
    """Name of the video; "" outside a data set, and in files of schema 1."""


@dataclass(frozen=True, eq=False)
class FieldMap:
    """One frame of the field."""

    frame: int
    label: NDArray[np.uint8]
    """(h, w) value in `FieldMetadata.classes`."""
    confidence: NDArray[np.float32]
    """(h, w) 0..1."""
    given: bool = False
    """Whether the labels are input, not propagated."""
    near: NDArray[np.float32] | None = None
    """(h, w) ordinal depth within the fitted window: 0 is the background, 1 the nearest; None without a volume."""
    pts_s: float | None = None
    """Presentation time of the frame, seconds; None where it is not known."""


@dataclass(frozen=True, eq=False)
class SemanticField(Artifact):
    """A reader: metadata and scalars are in memory, maps are decoded on access. `len` is the number of maps."""

    FOLDER: ClassVar[str] = "data/semantic_field"
    SUFFIX: ClassVar[str] = ".parquet"

    table: pa.Table
    metadata: FieldMetadata
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    """Measures of the fit: weights of each source of evidence, cross-validated mIoU, ordinal depth of the values."""

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def frames(self) -> NDArray[np.int32]:
        """(n,) frames that have a map, in order."""
        return self.table.column("frame").to_numpy()

    @cached_property
    def given(self) -> NDArray[np.bool_]:
        """(n,) whether the labels are input, not propagated."""
        return self.table.column("given").to_numpy()

    @cached_property
    def mean_confidence(self) -> NDArray[np.float32]:
        """(n,) mean confidence of each map."""
        return self.table.column("mean_confidence").to_numpy()

    @property
    def scale(self) -> tuple[float, float]:
        """Map pixels per frame pixel, across and down."""
        return self.metadata.width / self.metadata.frame_width, self.metadata.height / self.metadata.frame_height

    def map(self, row: int) -> FieldMap:
        """The map in `row`."""
        if not 0 <= row < len(self):
            raise SemflowError(f"row must lie in [0, {len(self)}), got {row}")
        values: dict[str, Any] = self.table.slice(row, 1).to_pylist()[0]
        return FieldMap(
            frame=values["frame"],
            label=self._array(values["label"]),
            confidence=self._dequantise(values["confidence"], CONFIDENCE_STEPS),
            given=values["given"],
            near=None if values["near"] is None else self._dequantise(values["near"], DEPTH_STEPS),
            pts_s=values.get("pts_s"),
        )

    @cached_property
    def nearness(self) -> NDArray[np.float32]:
        """(classes,) ordinal depth of each value: 0 the farthest, 1 the nearest; NaN without any occlusion."""
        missing = float("nan")
        found = [
            self.metrics.get(f"{DEPTH_METRIC_PREFIX}{number}", missing) for number in range(len(self.metadata.classes))
        ]
        return np.array(found, np.float32)

    def depth(self, row: int) -> NDArray[np.float32]:
        """(h, w) ordinal depth of each pixel, 0 the farthest: of the volume, or else of the pixel's label."""
        found = self.map(row)
        return self.nearness[found.label] if found.near is None else found.near

    def nearest(self, frame: int) -> FieldMap | None:
        """The map of the frame nearest to `frame`, the earlier of two; None where there is none."""
        return self.map(int(np.abs(self.frames - frame).argmin())) if len(self) else None

    def save(self, path: Path) -> None:
        rows = (self.map(row) for row in range(len(self)))
        SemanticField.stream(rows, self.metadata, self.metrics).save(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        file, metadata = open_parquet(path, cls, METADATA_KEY, "a semantic field")
        values: dict[str, Any] = json.loads(metadata)
        classes = tuple(FieldClass(**item) for item in values["facts"].pop("classes"))
        return cls(file.read(), FieldMetadata(classes=classes, **values["facts"]), values["metrics"])

    @staticmethod
    def stream(
        maps: Iterable[FieldMap], metadata: FieldMetadata, metrics: dict[str, float] | None = None
    ) -> StreamingArtifact[SemanticField]:
        """Maps that are written one by one; `metrics` may be filled while they are generated."""
        return StreamingArtifact(
            SemanticField, lambda path: _write(path, maps, metadata, {} if metrics is None else metrics)
        )

    def _dequantise(self, data: bytes, steps: int) -> NDArray[np.float32]:
        return self._array(data).astype(np.float32) / np.float32(steps)

    def _array(self, data: bytes) -> NDArray[np.uint8]:
        import pyarrow as pa

        raw = pa.Codec("zstd").decompress(data, self.metadata.height * self.metadata.width)
        return np.frombuffer(raw, np.uint8).reshape(self.metadata.height, self.metadata.width)


def semantic_field_schema() -> pa.Schema:
    """The columns, with unit and meaning in each field's metadata."""
    import pyarrow as pa

    return make_schema(
        SemanticField.artifact_name(),
        [
            make_field("frame", pa.int32(), "index", "row of the frames artifact"),
            make_time_field(),
            make_field("given", pa.bool_(), "", "whether the label was given, not found"),
            make_field("mean_confidence", pa.float32(), "0..1", "of the map"),
            make_field("label", pa.binary(), "bytes", "class of each pixel, uint8 row by row, zstd"),
            make_field("confidence", pa.binary(), "bytes", "of each pixel, 15 is 1, uint8 row by row, zstd"),
            make_field("near", pa.binary(), "bytes", "ordinal depth, 30 is nearest, as above; or null", nullable=True),
        ],
    )


def _write(path: Path, maps: Iterable[FieldMap], metadata: FieldMetadata, metrics: dict[str, float]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = ({VIDEO: metadata.video, **_make_row(found)} for found in maps)
    dictionary: Any = [VIDEO]  # pyarrow's signature says bool where a list of columns is documented
    with pq.ParquetWriter(
        path, semantic_field_schema(), compression="none", use_dictionary=dictionary, version="2.6"
    ) as writer:
        while group := list(islice(rows, ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=semantic_field_schema()))
        # After the last map, because metrics are known only then.
        text = json.dumps({"facts": asdict(metadata), "metrics": metrics}, sort_keys=True).encode()
        writer.add_key_value_metadata({METADATA_KEY: text})


def _make_row(found: FieldMap) -> dict[str, object]:
    confidence = _quantise(found.confidence, CONFIDENCE_STEPS)
    return {
        "frame": found.frame,
        "pts_s": found.pts_s,
        "given": found.given,
        "mean_confidence": float(confidence.mean(dtype=np.float64)) / CONFIDENCE_STEPS,
        "label": _compress(found.label),
        "confidence": _compress(confidence),
        "near": None if found.near is None else _compress(_quantise(found.near, DEPTH_STEPS)),
    }


def _quantise(values: NDArray[np.float32], steps: int) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 1) * steps).astype(np.uint8)


def _compress(values: NDArray[np.uint8]) -> bytes:
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=ZSTD_LEVEL).compress(np.ascontiguousarray(values).tobytes(), asbytes=True)
