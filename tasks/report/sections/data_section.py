"""Every artifact of the film: file, size, columns, code to read it, and on request how it was made."""

from __future__ import annotations

import json
from pathlib import Path

from tasks.artifacts.artifact import SCHEMA_VERSION
from tasks.artifacts.artifact_docs import make_reading_example
from tasks.artifacts.tracks import Tracks
from tasks.report.film_artifacts import Columns, FilmArtifact, list_film_artifacts
from tasks.report.formatting import DASH
from tasks.report.markup import Markup, join, tag
from tasks.report.report_data import ReportData
from tasks.report.section import Section

RECIPES = "recipes.js"
"""Beside the index page, not in the folder of the film: how the artifacts of all films were made."""


def make_data_section(data: ReportData) -> Section:
    """Files, columns, and how to read them with semflow, pandas and DuckDB.

    Sizes, what is kept and recipes are not in the page: they are read from RECIPES when the section comes into view.
    """
    body = join(
        [
            *(_render_artifact(one, data) for one in list_film_artifacts(data)),
            tag("p", class_="more recipes-missing", hidden=True),
            _snippet("Python, all tracks with pandas alone", _pandas(data)),
            _snippet("SQL, DuckDB", _duckdb(data)),
        ]
    )
    lead = (
        f"All that is known of this film, as files below the project's folder, in version {SCHEMA_VERSION} of their "
        "schema. Open one for its columns, for code that reads just this one, and for its recipe: parameters, code, "
        "model weights with their licences, and libraries that it was made with."
    )
    return Section("data", "Artifacts", lead, body)


def _path(kind: type[Tracks], data: ReportData) -> str:
    return kind.path(Path(), data.video).as_posix()


def _render_artifact(one: FilmArtifact, data: ReportData) -> Markup:
    heading = tag(
        "summary",
        tag("code", one.path),
        tag("span", tag("span", class_="stored"), tag("span", one.shape)),
    )
    recipe = tag(
        "details", tag("summary", tag("code", "recipe")), tag("pre", tabindex="0"), class_="recipe", hidden=True
    )
    return tag(
        "details",
        heading,
        tag("p", one.meaning),
        _snippet("Python", make_reading_example(one.name, data.video)),
        _render_columns(one.columns) if one.columns else None,
        recipe,
        class_="artifact",
        data_path=one.path,
    )


def _render_columns(columns: Columns) -> Markup:
    head = tag("tr", *(tag("th", heading, scope="col") for heading in ("column", "type", "unit", "meaning")))
    rows = [
        tag(
            "tr",
            tag("td", tag("code", column["column"])),
            tag("td", column["dtype"]),
            tag("td", column["unit"] or DASH),
            tag("td", column["meaning"]),
        )
        for column in columns
    ]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows), class_="dictionary"), class_="scroll")


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
