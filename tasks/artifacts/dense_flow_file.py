"""Writing dense flow to Parquet: one row per pair of frames, `FlowMetadata` in the metadata of the file."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.parquet_file import VIDEO, make_field, make_schema, make_time_field, split_into_groups

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"semflow.dense_flow"
FIELD_COLUMNS = ("forward", "backward", "valid", "valid_backward")
"""The columns that are flow fields and masks, encoded."""


def dense_flow_schema() -> pa.Schema:
    """The columns, with unit and meaning in each field's metadata."""
    import pyarrow as pa

    def encoded(name: str, meaning: str) -> pa.Field:
        return make_field(name, pa.binary(), "bytes", f"{meaning}, encoded; null where there is no flow", nullable=True)

    return make_schema(
        "dense_flow",
        [
            make_field("frame", pa.int32(), "index", "first frame of the pair; the second is the next one"),
            make_time_field(meaning="presentation time of the first frame"),
            make_time_field("end_s", "presentation time of the second frame"),
            make_field("cut", pa.bool_(), "", "whether the scene changes between the two"),
            make_field(
                "photometric_error", pa.float32(), "grey levels", "after warping; null: a frame is missing", True
            ),
            make_field("valid_share", pa.float32(), "0..1", "pixels of the first frame where the flow is valid"),
            make_field("camera", pa.list_(pa.float64(), 9), "px", "homography, first frame to second, row by row"),
            make_field("camera_inliers", pa.float32(), "0..1", "trusted vectors that move with the camera"),
            encoded("forward", "flow from the first frame to the second"),
            encoded("backward", "flow from the second frame to the first"),
            encoded("valid", "where in the first frame the forward flow holds"),
            encoded("valid_backward", "where in the second frame the backward flow holds"),
        ],
    )


def write_dense_flow(
    path: Path, pairs: Iterable[FlowPair], metadata: FlowMetadata, pts_s: Sequence[float] | NDArray[np.float64] | None
) -> None:
    """Write `pairs` one by one; a group of encoded rows is in memory at a time. `pts_s`: times of all frames."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = json.dumps(asdict(metadata), sort_keys=True).encode()
    columns = dense_flow_schema()
    columns = columns.with_metadata({**(columns.metadata or {}), METADATA_KEY: text})
    times = itertools.repeat((None, None)) if pts_s is None else itertools.pairwise(pts_s)
    rows = (
        {VIDEO: metadata.video, "frame": frame, "pts_s": start, "end_s": end, **_row(pair, metadata.encoding)}
        for frame, (pair, (start, end)) in enumerate(zip(pairs, times, strict=False))
    )
    # The fields are compressed already, and the numbers too few to matter.
    dictionary: Any = [VIDEO]  # pyarrow's signature says bool where a list of columns is documented
    with pq.ParquetWriter(
        path, columns, compression="none", use_dictionary=dictionary, write_statistics=False, version="2.6"
    ) as writer:
        for group in split_into_groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema=columns))


def _row(pair: FlowPair, encoding: FlowEncoding) -> dict[str, object]:
    known = pair.known
    forward, backward = pair.stored or (encoding.to_stored(pair.forward), encoding.to_stored(pair.backward))
    return {
        "cut": pair.cut,
        "photometric_error": None if math.isnan(pair.photometric_error) else pair.photometric_error,
        "valid_share": float(pair.valid.mean()),
        "camera": pair.camera.reshape(-1).tolist(),
        "camera_inliers": pair.camera_inliers,
        "forward": encoding.encode_stored(forward) if known else None,
        "backward": encoding.encode_stored(backward) if known else None,
        "valid": encoding.encode_mask(pair.valid) if known else None,
        "valid_backward": encoding.encode_mask(pair.valid_backward) if known else None,
    }
