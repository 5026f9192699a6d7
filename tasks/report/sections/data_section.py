"""The data files and their columns, with code to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.frames import Frames
from tasks.artifacts.table import describe_columns
from tasks.artifacts.tracks import Tracks
from tasks.report.formatting import DASH, format_count
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class DataFile:
    """One file, relative to the project, with its columns."""

    path: str
    rows: int
    columns: Sequence[Mapping[str, str]]


def make_data_section(data: ReportData) -> Section:
    """Files, columns, and how to read them with pandas and DuckDB."""
    files = [
        DataFile(_path(Frames, data), len(data.frames), _columns(data.frames.file.schema_arrow)),
        DataFile(_path(Detections, data), len(data.detections), describe_columns(Detections)),
        DataFile(_path(DenseFlow, data), len(data.dense_flow), _columns(data.dense_flow.file.schema_arrow)),
        DataFile(_path(Tracks, data), len(data.tracks), describe_columns(Tracks)),
        *(
            DataFile(_path(type(table), data), len(table), describe_columns(type(table)))
            for table in (data.poses, data.kinematics, data.actions)
            if table is not None
        ),
    ]
    body = join(
        [
            *(_file(place) for place in files),
            _snippet("Python", _pandas(data)),
            _snippet("SQL, DuckDB", _duckdb(data)),
        ]
    )
    return Section(
        "data",
        "Data files",
        "Parquet files below the project's folder; units and meanings are stored in them too.",
        body,
    )


def _path(kind: type[Artifact], data: ReportData) -> str:
    return kind.path(Path(), data.video).as_posix()


def _columns(schema: pa.Schema) -> list[Mapping[str, str]]:
    return [
        {
            "column": field.name,
            "dtype": str(field.type),
            "unit": (field.metadata or {}).get(b"unit", b"").decode(),
            "meaning": (field.metadata or {}).get(b"meaning", b"").decode(),
        }
        for field in schema
    ]


def _file(place: DataFile) -> Markup:
    head = tag("tr", *(tag("th", heading, scope="col") for heading in ("column", "type", "unit", "meaning")))
    rows = [
        tag(
            "tr",
            tag("td", tag("code", column["column"])),
            tag("td", column["dtype"]),
            tag("td", column["unit"] or DASH),
            tag("td", column["meaning"]),
        )
        for column in place.columns
    ]
    return tag(
        "details",
        tag("summary", tag("code", place.path), tag("span", format_count(place.rows, "row"))),
        tag("div", tag("table", tag("thead", head), tag("tbody", *rows), class_="dictionary"), class_="scroll"),
    )


def _snippet(language: str, text: str) -> Markup:
    return tag(
        "figure",
        tag("figcaption", tag("span", language), tag("button", "Copy", type="button", class_="copy")),
        tag("pre", tag("code", text), tabindex="0"),
        class_="snippet",
    )


def _pandas(data: ReportData) -> str:
    tracks = json.dumps(_path(Tracks, data), ensure_ascii=False)
    return f"""import pandas as pd

tracks = pd.read_parquet({tracks})
tracks["seen"] = tracks.detection >= 0  # in its other frames the tracker filled in the box
columns = {{"first_frame_s": ("pts_s", "min"), "last_frame_s": ("pts_s", "max")}}
columns |= {{"frames": ("pts_s", "size"), "seen": ("seen", "sum")}}
tracks.groupby(["class_name", "track_id"]).agg(**columns)"""


def _duckdb(data: ReportData) -> str:
    tracks = _path(Tracks, data).replace("'", "''")
    return f"""-- Times are of frames' beginnings; seen: in its other frames the tracker filled in the box.
SELECT class_name, track_id, min(pts_s) AS first_frame_s, max(pts_s) AS last_frame_s,
       count(*) AS frames, count(*) FILTER (detection >= 0) AS seen
FROM '{tracks}'
GROUP BY ALL ORDER BY frames DESC;"""
