"""The rules of the tracks table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError


def two_tracks() -> Tracks:
    return Tracks(
        frame=np.array([0, 0, 1], np.int32),
        track_id=np.array([1, 2, 1], np.int32),
        class_id=np.array([0, 2, 0], np.int16),
        class_name=np.array(["person", "car", "person"], object),
        score=np.array([0.9, 0.8, 0.0], np.float32),
        x1=np.array([0, 10, 1], np.float32),
        y1=np.array([0, 10, 1], np.float32),
        x2=np.array([5, 20, 6], np.float32),
        y2=np.array([9, 20, 10], np.float32),
        detection=np.array([0, 1, -1], np.int32),
        frame_count=2,
        width=64,
        height=48,
    )


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    two_tracks().save(tmp_path / "a.parquet")
    loaded = Tracks.load(tmp_path / "a.parquet")
    assert loaded.to_pandas().equals(two_tracks().to_pandas())
    assert (loaded.frame_count, loaded.width, loaded.height) == (2, 64, 48)
    np.testing.assert_array_equal(loaded.xyxy[1], [10, 10, 20, 20])


def test_a_video_without_tracks_is_a_table_without_rows(tmp_path: Path) -> None:
    Tracks.empty(frame_count=7, width=64, height=48).save(tmp_path / "a.parquet")
    assert len(Tracks.load(tmp_path / "a.parquet")) == 0


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("x1", [0, 30, 1], r"Tracks boxes must have x1 <= x2.*row 1"),
        ("y2", [9, np.nan, 10], r"Tracks.y2 must be finite.*row 1"),
        ("frame", [0, 1, 0], r"Tracks.frame must not decrease.*row 2"),
        ("frame", [0, 0, 2], r"Tracks.frame must lie in \[0, 2\)"),
        ("track_id", [0, 2, 1], r"Tracks.track_id must be at least 1, got 0"),
        ("track_id", [2, 2, 1], r"one row per frame and track_id"),
        ("track_id", [2, 1, 1], r"Tracks.track_id must increase within a frame, got 2 then 1 in row 1"),
        ("class_id", [0, 2, 2], r"Tracks.class_id must be one per track, got 0 and 2 in track 1"),
        ("detection", [0, 0, -1], r"Tracks.detection must not repeat, got 0 twice"),
        ("detection", [0, -4, -1], r"Tracks.detection must be a row, -1, -2 or -3, got -4"),
    ],
)
def test_a_broken_table_is_refused(column: str, values: list[float], message: str) -> None:
    good = two_tracks()
    with pytest.raises(SemflowError, match=message):
        replace(good, **{column: np.array(values, getattr(good, column).dtype)})
