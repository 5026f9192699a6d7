"""Tables of a folder are one data set: `video` and times in every row, one schema, a version in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from tasks.artifacts.detections import Detections
from tasks.artifacts.features import FeatureMetadata, Features
from tasks.artifacts.matches import Matches
from tasks.artifacts.parquet_file import ARTIFACT_KEY, VERSION_KEY
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import CellGrid


def tracks(video: str, rows: int) -> Tracks:
    edges = {name: np.full(rows, value, np.float32) for name, value in {"x1": 0, "y1": 0, "x2": 5, "y2": 9}.items()}
    return Tracks(
        frame=np.arange(rows, dtype=np.int32),
        pts_s=np.arange(rows) / 25,
        track_id=np.ones(rows, np.int32),
        class_id=np.zeros(rows, np.int16),
        class_name=np.full(rows, "person", object),
        score=np.ones(rows, np.float32),
        **edges,
        detection=np.arange(rows, dtype=np.int32),
        video=video,
        frame_count=rows,
        width=64,
        height=48,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos with rows, and one without any."""
    for video, rows in {"a": 3, "b": 2, "empty": 0}.items():
        tracks(video, rows).save(tmp_path / f"{video}.parquet")
    return tmp_path


def test_pandas_reads_a_folder_as_one_table(folder: Path) -> None:
    table = pd.read_parquet(folder)
    assert table.groupby("video", observed=True).size().to_dict() == {"a": 3, "b": 2}
    assert table[table.video == "b"].pts_s.tolist() == [0, 0.04]


def test_pyarrow_reads_a_folder_as_one_data_set(folder: Path) -> None:
    rows = pads.dataset(folder).to_table(filter=pads.field("video") == "a")
    assert rows.column("pts_s").to_pylist() == [0, 0.04, 0.08]


def test_polars_reads_a_folder_as_one_table(folder: Path) -> None:
    polars = pytest.importorskip("polars")
    counts = polars.scan_parquet(folder / "*.parquet").group_by("video").len().sort("len").collect()
    assert counts.rows() == [("b", 2), ("a", 3)]


def test_duckdb_reads_a_folder_as_one_table(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    query = f"select video, count(*) from '{folder}/*.parquet' group by video order by video"
    assert duckdb.sql(query).fetchall() == [("a", 3), ("b", 2)]


def test_a_file_says_which_artifact_it_is_and_its_schema_version(folder: Path) -> None:
    metadata = pq.read_schema(folder / "a.parquet").metadata
    assert (metadata[ARTIFACT_KEY], metadata[VERSION_KEY]) == (b"tracks", b"2")


def test_the_name_of_the_video_comes_back_even_without_rows(folder: Path) -> None:
    assert [Tracks.load(folder / f"{name}.parquet").video for name in ("a", "empty")] == ["a", "empty"]


def test_a_file_of_the_first_schema_is_read_without_name_and_times(folder: Path) -> None:
    stored = pq.read_table(folder / "a.parquet")
    metadata = {b"semflow": b'{"frame_count": 3, "height": 48, "width": 64}'}
    old = stored.drop(["video", "pts_s"]).replace_schema_metadata(metadata)
    pq.write_table(old, folder / "old.parquet")
    found = Tracks.load(folder / "old.parquet")
    assert (found.video, len(found), found.width) == ("", 3, 64)
    assert np.isnan(found.pts_s).all()


@pytest.mark.parametrize("version", ["3", "x"])
def test_a_file_of_a_later_schema_says_what_to_do(folder: Path, version: str) -> None:
    stored = pq.read_table(folder / "a.parquet")
    later = stored.replace_schema_metadata({**(stored.schema.metadata or {}), VERSION_KEY: version.encode()})
    pq.write_table(later, folder / "a.parquet")
    with pytest.raises(SemflowError, match=f"schema version up to 2, got {version}: .* upgrade"):
        Tracks.load(folder / "a.parquet")


def test_another_artifacts_file_is_refused(folder: Path) -> None:
    with pytest.raises(SemflowError, match=r"a.parquet must hold detections, got tracks"):
        Detections.load(folder / "a.parquet")


def test_a_pair_has_a_start_and_an_end() -> None:
    names = Matches.schema().names
    assert names[:5] == ["video", "frame_a", "frame_b", "start_s", "end_s"]
    assert Matches.schema().field("video").type == pa.dictionary(pa.int32(), pa.string())


def test_features_keep_the_video_and_the_times_of_stored_frames(tmp_path: Path) -> None:
    facts = FeatureMetadata("none", ("a",), 32, 24, CellGrid(3, 4, 8, 8, 0, 0), "walk", (0.0, 0.5))
    Features.from_vectors(np.ones((2, 3, 4, 5)), facts, [0, 8]).save(tmp_path / "f.npy")
    found = Features.load(tmp_path / "f.npy")
    assert (found.metadata.video, found.time_s(8), found.time_s(4)) == ("walk", 0.5, None)
