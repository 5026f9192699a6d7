"""The artifacts of a film: their files, what they hold, and their size in rows or as an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.artifact_docs import first_paragraph
from tasks.artifacts.semantic_field import semantic_field_schema
from tasks.artifacts.table import Table, describe_columns
from tasks.report.formatting import TIMES, format_count, format_size
from tasks.report.report_data import ReportData

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Sequence[Mapping[str, str]]
"""Of each column of a table: column, dtype, unit, meaning."""


@dataclass(frozen=True)
class FilmArtifact:
    """One file, with what stands in it."""

    name: str
    path: str
    """Relative to the project."""
    meaning: str
    """What it holds, in a sentence."""
    shape: str
    """Rows and columns, or the axes of an array with their lengths, in words."""
    columns: Columns
    """Empty for an array."""


def list_film_artifacts(data: ReportData) -> list[FilmArtifact]:
    """Every artifact that this film has, in the order of the pipeline."""
    frames, flow, features, correspondence = data.frames, data.dense_flow, data.features, data.semantic_flow
    size = format_size(frames.width, frames.height)
    found = [
        _describe(data, frames, f"{format_count(len(frames), 'image')} of {size}", frames.file.schema_arrow),
        _describe_table(data, data.detections),
        _describe_table(data, data.masks),
        _describe(data, flow, f"{format_count(len(flow), 'pair')} of frames, {size}", flow.file.schema_arrow),
        _describe(data, features, _write_axes(features.values.shape, ("frame", "row", "column", "dimension"))),
        _describe(
            data, correspondence, _write_axes(correspondence.values.shape, ("pair", "row", "column", "x y conf"))
        ),
        *(_describe_table(data, table) for table in (data.matches, data.tracks, data.poses, data.kinematics)),
        _describe_table(data, data.actions),
        _describe_field(data),
    ]
    return [one for one in found if one is not None]


def _describe_table(data: ReportData, table: Table | None) -> FilmArtifact | None:
    if table is None:
        return None
    columns = describe_columns(type(table))
    shape = f"{format_count(len(table), 'row')}, {format_count(len(columns), 'column')}"
    return FilmArtifact(*_identify(data, type(table)), shape, columns)


def _describe_field(data: ReportData) -> FilmArtifact | None:
    field = data.semantic_field
    if field is None:
        return None
    shape = f"{format_count(len(field), 'map')} of {format_size(field.metadata.width, field.metadata.height)}"
    return _describe(data, field, shape, semantic_field_schema())


def _describe(data: ReportData, artifact: Artifact, shape: str, schema: pa.Schema | None = None) -> FilmArtifact:
    return FilmArtifact(*_identify(data, type(artifact)), shape, [] if schema is None else _list_columns(schema))


def _identify(data: ReportData, kind: type[Artifact]) -> tuple[str, str, str]:
    """Name, path and meaning."""
    return kind.artifact_name(), kind.path(Path(), data.video).as_posix(), first_paragraph(kind)


def _write_axes(shape: Sequence[int], axes: Sequence[str]) -> str:
    return f"{f' {TIMES} '.join(map(str, shape))} ({', '.join(axes)})"


def _list_columns(schema: pa.Schema) -> Columns:
    return [
        {
            "column": field.name,
            "dtype": str(field.type),
            "unit": (field.metadata or {}).get(b"unit", b"").decode(),
            "meaning": (field.metadata or {}).get(b"meaning", b"").decode(),
        }
        for field in schema
    ]
