"""How dense flow lies in Parquet: a row per pair of frames, facts in the metadata."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.parquet import ROWS_PER_GROUP, described

if TYPE_CHECKING:
    import pyarrow as pa

    from tasks.artifacts.dense_flow import FlowFacts, FlowPair

FACTS_KEY = b"semflow.dense_flow"
NUMBERS = ["frame", "cut", "photometric_error", "valid_share", "camera", "camera_inliers"]
"""The columns that are not fields."""


def schema() -> pa.Schema:
    """The columns, with unit and meaning in each field's metadata."""
    import pyarrow as pa

    def encoded(name: str, meaning: str) -> pa.Field:
        return described(name, pa.binary(), "bytes", f"{meaning}, encoded; null where there is no flow", nullable=True)

    return pa.schema(
        [
            described("frame", pa.int32(), "index", "first frame of the pair; the second is the next one"),
            described("cut", pa.bool_(), "", "whether the scene changes between the two"),
            described(
                "photometric_error", pa.float32(), "grey levels", "after warping; null: a frame is missing", True
            ),
            described("valid_share", pa.float32(), "0..1", "pixels of the first frame where the flow is valid"),
            described("camera", pa.list_(pa.float64(), 9), "px", "homography, first frame to second, row by row"),
            described("camera_inliers", pa.float32(), "0..1", "trusted vectors that move with the camera"),
            encoded("forward", "flow from the first frame to the second"),
            encoded("backward", "flow from the second frame to the first"),
            encoded("valid", "where in the first frame the forward flow holds"),
            encoded("valid_backward", "where in the second frame the backward flow holds"),
        ]
    )


def write(path: Path, pairs: Iterable[FlowPair], facts: FlowFacts) -> None:
    """Write `pairs` as they come; a group of encoded rows is in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = schema().with_metadata({FACTS_KEY: json.dumps(asdict(facts), sort_keys=True).encode()})
    rows = (_row(frame, pair, facts.encoding) for frame, pair in enumerate(pairs))
    # The fields are compressed already, and the numbers too few to matter.
    with pq.ParquetWriter(
        path, columns, compression="none", use_dictionary=False, write_statistics=False, version="2.6"
    ) as writer:
        while group := list(islice(rows, ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=columns))


def _row(frame: int, pair: FlowPair, encoding: FlowEncoding) -> dict[str, object]:
    known = pair.known
    return {
        "frame": frame,
        "cut": pair.cut,
        "photometric_error": None if math.isnan(pair.photometric_error) else pair.photometric_error,
        "valid_share": float(pair.valid.mean()),
        "camera": pair.camera.reshape(-1).tolist(),
        "camera_inliers": pair.camera_inliers,
        "forward": encoding.encode(pair.forward) if known else None,
        "backward": encoding.encode(pair.backward) if known else None,
        "valid": encoding.encode_mask(pair.valid) if known else None,
        "valid_backward": encoding.encode_mask(pair.valid_backward) if known else None,
    }
