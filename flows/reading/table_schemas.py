"""The Arrow schema of each Parquet artifact, by its class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.dense_flow_file import dense_flow_schema
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import frames_schema
from tasks.artifacts.semantic_field import SemanticField, semantic_field_schema
from tasks.artifacts.table import Table

if TYPE_CHECKING:
    import pyarrow as pa


def find_schema(kind: type[Artifact]) -> pa.Schema:
    """The columns with unit and meaning; TypeError for an artifact that is no Parquet file."""
    if issubclass(kind, Table):
        return kind.schema()
    for other, schema in (
        (Frames, frames_schema),
        (DenseFlow, dense_flow_schema),
        (SemanticField, semantic_field_schema),
    ):
        if kind is other:
            return schema()
    raise TypeError(f"kind must be a Parquet artifact, got {kind.__name__}")
