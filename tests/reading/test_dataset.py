"""A working copy as a data set: videos, tables in four libraries with columns, videos and time, tensors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import semflow
from flows.reading.artifact_kinds import KINDS, STAGE_OF
from semflow import SemflowError
from tasks.artifacts.tracks import Tracks


def test_the_data_set_lists_its_videos_and_artifacts(project: Path) -> None:
    ds = semflow.open(project / "data")
    assert ds.videos == ("steady", "uneven")
    assert ds.artifacts == ("frames", "dense_flow", "features", "tracks", "actions")
    assert "2 videos" in repr(ds)


def to_pandas(table: Any, **chosen: Any) -> Any:
    return table.to_pandas(**chosen)


def to_polars(table: Any, **chosen: Any) -> Any:
    pytest.importorskip("polars")
    return table.to_polars(**chosen).collect().to_pandas()


def to_duckdb(table: Any, **chosen: Any) -> Any:
    pytest.importorskip("duckdb")
    return table.to_duckdb(**chosen).df()


@pytest.mark.parametrize("read", [to_pandas, to_polars, to_duckdb])
def test_a_table_is_read_by_columns_videos_and_time_in_every_library(project: Path, read: Callable[..., Any]) -> None:
    table = semflow.open(project).tracks
    assert len(read(table)) == 70
    found = read(table, columns=["video", "frame", "pts_s"], videos="steady", time=(1, 1.3))
    assert found.columns.tolist() == ["video", "frame", "pts_s"]
    assert found.frame.tolist() == [10, 11, 12]
    assert set(found.video) == {"steady"}


def test_windows_are_read_where_they_overlap_the_time(project: Path) -> None:
    actions = semflow.open(project)["steady"].actions
    assert actions.to_pandas(time=(2.5, None)).label.tolist() == ["jump"]
    assert actions.to_pandas(time=(1.9, 2.1)).label.tolist() == ["walk", "jump"]


def test_tables_of_a_video_are_joined_in_a_few_lines(project: Path) -> None:
    ds = semflow.open(project)
    film = ds["steady"]
    rows = film.tracks.to_pandas(time=(0, 2.5)).merge(ds.frames.to_pandas(), on=["video", "frame", "pts_s"])
    actions = film.actions.to_pandas(["video", "track_id", "label", "start_s", "end_s"])
    rows = rows.merge(actions, on=["video", "track_id"]).query("start_s <= pts_s <= end_s")
    assert rows.label.value_counts().to_dict() == {"walk": 21, "jump": 5}


def test_files_of_other_videos_are_not_opened(project: Path) -> None:
    Tracks.path(project, "uneven").write_bytes(b"damaged")
    assert len(semflow.open(project).tracks.to_pandas(videos=["steady"])) == 40


def test_images_and_encoded_fields_are_left_out_unless_they_are_named(project: Path) -> None:
    ds = semflow.open(project)
    assert ds.frames.to_pandas().columns.tolist() == ["video", "frame", "source_frame", "pts_s", "status"]
    assert "forward" not in ds.dense_flow.default_columns
    assert ds.frames.to_arrow(["image"], "steady").num_rows == 40


def test_dense_flow_is_decoded_to_pixels(project: Path) -> None:
    flow = semflow.open(project)["steady"].dense_flow
    assert (flow.forward(7) == 7).all()
    assert (flow.pts_s[7], flow.end_s[7]) == (0.7, 0.8)


def test_features_are_memory_mapped_and_found_by_pixel_and_time(project: Path) -> None:
    features = semflow.open(project)["uneven"].features
    assert isinstance(features.values, np.memmap)
    assert features.stride == (8, 8)
    assert features.pixel_of(row=1, column=2) == (20, 12)
    assert features.frame_at(0.11) == 2
    vector = features.at(20, 12, 0.11)
    assert vector is not None
    np.testing.assert_allclose(vector, np.arange(1, 6) / np.sqrt(55), atol=0.01)


def test_a_wrong_name_says_which_there_are(project: Path) -> None:
    ds = semflow.open(project)
    with pytest.raises(SemflowError, match=r"video must be one of the 2 .* got 'stedy'; there are steady"):
        _ = ds["stedy"]
    with pytest.raises(SemflowError, match=r"columns of tracks must be among video, .* got 'speed'"):
        ds.tracks.to_pandas(["speed"])
    with pytest.raises(SemflowError, match=r"an artifact must be one of frames, .* got 'track'"):
        ds.read("track")
    with pytest.raises(SemflowError, match=r"must lie inside a semflow project"):
        semflow.open(project.parent)
    with pytest.raises(SemflowError, match=r"must be a folder that exists, or the address of a git repository"):
        semflow.open(project / "nowhere")
    with pytest.raises(SemflowError, match=r"videos must be among steady, .* got 'uneven'; .* `ds.tracks`"):
        ds["steady"].tracks.to_pandas(videos="uneven")


@pytest.mark.parametrize("time", [5, (2, 1), (1,)])
def test_a_time_that_is_no_range_is_an_error(project: Path, time: Any) -> None:
    with pytest.raises(SemflowError, match=r"time must be \(start, end\) in seconds"):
        semflow.open(project).tracks.to_pandas(time=time)


def test_a_video_says_which_artifacts_it_has(project: Path) -> None:
    assert repr(semflow.open(project)["steady"]).endswith(": frames, dense_flow, features, tracks, actions>")


def test_an_artifact_that_is_not_kept_says_what_to_do(project: Path) -> None:
    (project / "data/features/steady.npy").unlink()
    recipe = project / "data/recipes/extract_features/steady.recipe.json"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("{}")
    with pytest.raises(SemflowError, match=r"extract_features stands in compute.recompute; .* recompute=True, or take"):
        _ = semflow.open(project)["steady"].features


def test_a_table_of_the_first_schema_says_what_to_do_and_is_read_alone(project: Path) -> None:
    path = Tracks.path(project, "uneven")
    metadata = {b"semflow": b'{"frame_count": 30, "height": 24, "width": 32}'}
    pq.write_table(pq.read_table(path).drop(["video", "pts_s"]).replace_schema_metadata(metadata), path)
    tracks = semflow.open(project).tracks
    with pytest.raises(SemflowError, match=r"tracks of uneven must have schema version 2, got 1"):
        tracks.to_pandas()
    assert len(tracks["uneven"]) == 30


def test_every_artifact_of_the_pipeline_can_be_read() -> None:
    from flows.pipeline import STAGES

    made = {kind: stage.name for stage in STAGES for kind in stage.outputs if kind.FOLDER.startswith("data/")}
    assert made == STAGE_OF
    assert {name: kind.FOLDER for name, kind in KINDS.items()} == {name: f"data/{name}" for name in KINDS}


def test_importing_the_package_loads_no_library() -> None:
    code = (
        "import semflow, sys; print([n for n in ('numpy', 'pyarrow', 'torch', 'flows', 'tasks') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
