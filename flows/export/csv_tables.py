"""CSV: `<video>/<table>.csv` for each table of a video, with `video`, `frame` and `pts_s` in every row.

Units and meaning of the columns stand in `columns.csv`. Poses have a row per keypoint; other lists have a column per
member, named after the keypoints where they are theirs. Pixels are at working size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_timeline import FilmTimeline
from tasks.artifacts.actions import Actions
from tasks.artifacts.detections import Detections
from tasks.artifacts.kinematics import Kinematics
from tasks.artifacts.matches import Matches
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINTS, Poses
from tasks.artifacts.table import Table, describe_columns
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pandas as pd

TABLES: tuple[type[Table], ...] = (Detections, Tracks, Poses, Kinematics, Actions, Matches)
LEFT_OUT = ("cam",)  # of actions: a picture


def export_csv(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the tables of each video; SemflowError where one has none."""
    for source in sources:
        tables = [(kind, table) for kind in TABLES if (table := source.find(kind)) is not None]
        if not tables:
            raise SemflowError(f"{source.name} must have tables to be exported, got none; run `semflow run` first")
        place = folder / source.file_stem
        place.mkdir()
        for kind, table in tables:
            rows = make_frame(table, source.name, source.timeline)
            if options.classes and "class_name" in rows.columns:
                rows = rows[rows["class_name"].isin(options.classes)]
            rows.to_csv(place / f"{_name(kind)}.csv", index=False)
    _write_dictionary(folder / "columns.csv")


def make_frame(table: Table, video: str, timeline: FilmTimeline) -> pd.DataFrame:
    """The table as a DataFrame of scalars, with the columns `video` and, where it has frames, `pts_s`."""
    import pandas as pd

    is_long = isinstance(table, Poses)
    rows = table.to_long_table().to_pandas() if is_long else pd.DataFrame(dict(_scalar_columns(table)))
    has_times = "pts_s" in rows.columns and not bool(rows["pts_s"].isna().all())  # tables of an older schema have none
    if "frame" in rows.columns and not has_times:
        times = timeline.pts_s[rows["frame"].to_numpy()]
        rows = rows.drop(columns="pts_s", errors="ignore")
        rows.insert(1, "pts_s", times)
    if "video" not in rows.columns:
        rows.insert(0, "video", video)
    return rows


def _scalar_columns(table: Table) -> Iterator[tuple[str, Any]]:
    """Name and values of each column; a list becomes a column per member."""
    frame = table.to_pandas()
    for field in table.column_fields():
        width: int = field.metadata["width"]
        if field.name in LEFT_OUT or field.name not in frame.columns:
            continue
        if not width:
            yield field.name, frame[field.name]
            continue
        names = KEYPOINTS if width == KEYPOINT_COUNT else tuple(map(str, range(width)))
        for place, name in enumerate(names):
            yield f"{field.name}_{name}", getattr(table, field.name)[:, place]


def _write_dictionary(path: Path) -> None:
    """Table, column, unit and meaning of everything in the other files."""
    import pandas as pd

    rows = [{"table": _name(kind), **row} for kind in TABLES for row in describe_columns(kind)]
    pd.DataFrame(rows).to_csv(path, index=False)


def _name(kind: type[Table]) -> str:
    return kind.FOLDER.rpartition("/")[2]
