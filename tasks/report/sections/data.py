"""Where the figures lie and what their columns mean, with lines to paste."""

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
from tasks.report.dossier import Dossier
from tasks.report.markup import Markup, join, tag
from tasks.report.section import Section
from tasks.report.words import DASH, count

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Place:
    """One file, relative to the project, with its columns."""

    path: str
    rows: int
    columns: Sequence[Mapping[str, str]]


def data(dossier: Dossier) -> Section:
    """Files, columns, and how to read them with pandas and DuckDB."""
    files = [
        Place(_path(Frames, dossier), len(dossier.frames), _columns(dossier.frames.file.schema_arrow)),
        Place(_path(Detections, dossier), len(dossier.detections), describe_columns(Detections)),
        Place(_path(DenseFlow, dossier), len(dossier.dense_flow), _columns(dossier.dense_flow.file.schema_arrow)),
        Place(_path(Tracks, dossier), len(dossier.tracks), describe_columns(Tracks)),
        *(
            Place(_path(type(table), dossier), len(table), describe_columns(type(table)))
            for table in (dossier.poses, dossier.kinematics, dossier.actions)
            if table is not None
        ),
    ]
    body = join(
        [
            *(_file(place) for place in files),
            _snippet("Python", _pandas(dossier)),
            _snippet("SQL, DuckDB", _duckdb(dossier)),
        ]
    )
    return Section(
        "data", "The data", "Parquet files below the project's folder; units and meanings travel in them too.", body
    )


def _path(kind: type[Artifact], dossier: Dossier) -> str:
    return kind.path(Path(), dossier.video).as_posix()


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


def _file(place: Place) -> Markup:
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
        tag("summary", tag("code", place.path), tag("span", count(place.rows, "row"))),
        tag("div", tag("table", tag("thead", head), tag("tbody", *rows), class_="dictionary"), class_="scroll"),
    )


def _snippet(language: str, text: str) -> Markup:
    return tag(
        "figure",
        tag("figcaption", tag("span", language), tag("button", "Copy", type="button", class_="copy")),
        tag("pre", tag("code", text), tabindex="0"),
        class_="snippet",
    )


def _pandas(dossier: Dossier) -> str:
    tracks, frames = (json.dumps(_path(kind, dossier), ensure_ascii=False) for kind in (Tracks, Frames))
    return f"""import pandas as pd

tracks = pd.read_parquet({tracks})
frames = pd.read_parquet({frames}, columns=["frame", "pts_s"])
tracks = tracks.merge(frames, on="frame")
tracks.groupby(["class_name", "track_id"]).pts_s.agg(["min", "max", "size"])"""


def _duckdb(dossier: Dossier) -> str:
    tracks, frames = (_path(kind, dossier).replace("'", "''") for kind in (Tracks, Frames))
    return f"""SELECT class_name, track_id, min(pts_s) AS first_s, max(pts_s) AS last_s, count(*) AS frames
FROM '{tracks}' JOIN '{frames}' USING (frame)
GROUP BY ALL ORDER BY frames DESC;"""
