"""SQL over a data set: DuckDB with a view of every artifact that a query names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flows.reading.artifact_kinds import KINDS, OF_DATASET, TABLES
from flows.reading.artifact_reader import TableReader, import_extra
from flows.reading.video_dataset import VideoDataset
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def run_query(ds: VideoDataset, query: str) -> duckdb.DuckDBPyRelation:
    """The result of a query over views named as the artifacts; SemflowError where DuckDB refuses it.

    Tables have all columns but images and encoded fields. `features` has a row per stored frame, `semantic_flow` one
    per pair of frames, without their arrays. Files of artifacts that the query does not name are neither read nor
    fetched.
    """
    module = import_extra("duckdb")
    connection = module.connect(config={"threads": 1})
    words = set(re.findall(r"\w+", query.lower()))
    for name in ds.artifacts:
        if name in words and name not in OF_DATASET:
            _add_view(connection, ds, name)
    try:
        relation = connection.sql(query)
    except module.Error as error:
        said = " ".join(str(error).split("\n\n")[0].split()).partition(" Did you mean")[0]
        for name in (name for name in KINDS if name in words and name not in ds.artifacts):
            said += f" ({name} is not stored, as of a stage in compute.recompute or of one that has not run)"
        raise SemflowError(
            f"the query must be SQL that DuckDB can run, got {said}; tables are "
            f"{', '.join(name for name in ds.artifacts if name not in OF_DATASET) or 'none yet: call `semflow run`'}"
        ) from None
    if relation is None:
        raise SemflowError("the query must give rows, as `select` does, got a statement without a result")
    return relation


def _add_view(connection: Any, ds: VideoDataset, name: str) -> None:
    if name in TABLES:
        reader = ds.read(name)
        assert isinstance(reader, TableReader)
        reader.to_duckdb(connection=connection).create_view(name)
    else:
        connection.register(name, _list_features(ds) if name == "features" else _list_pairs(ds))


def _list_features(ds: VideoDataset) -> pa.Table:
    """A row per stored frame of features."""
    import pyarrow as pa

    rows: dict[str, list[Any]] = {"video": [], "frame": [], "pts_s": []}
    for video in ds.features:
        features = ds.features[video]
        rows["video"] += [video] * len(features.frames)
        rows["frame"] += features.frames.tolist()
        rows["pts_s"] += features.metadata.pts_s or [None] * len(features.frames)
    return pa.table(rows, pa.schema({"video": pa.string(), "frame": pa.int32(), "pts_s": pa.float64()}))


def _list_pairs(ds: VideoDataset) -> pa.Table:
    """A row per pair of frames of semantic flow."""
    import pyarrow as pa

    kinds = {"frame_a": pa.int32(), "frame_b": pa.int32()}
    kinds |= {name: pa.float64() for name in ("start_s", "end_s", "mutual_share", "agreement")}
    rows: list[dict[str, Any]] = [
        {"video": video, **{name: getattr(pair, name) for name in kinds}}
        for video in ds.semantic_flow
        for pair in ds.semantic_flow[video].pairs
    ]
    return pa.Table.from_pylist(rows, pa.schema({"video": pa.string(), **kinds}))
