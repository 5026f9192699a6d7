"""What is said of a track: against figures worked out by hand and by pandas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts.tracks import Tracks
from tasks.report.track_summary import summarise_tracks


def _tracks(rows: list[tuple[int, int, float, float]], frame_count: int) -> Tracks:
    """(frame, id, x of the centre, score) with boxes of 10 x 10; score 0 is filled in."""
    rows = sorted(rows)
    frame, ident, x, score = (np.array(c) for c in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
    x = x.astype(np.float32)
    return Tracks(
        frame=frame.astype(np.int32),
        track_id=ident.astype(np.int32),
        class_id=np.zeros(len(rows), np.int16),
        class_name=np.array(["person"] * len(rows), dtype=object),
        score=score.astype(np.float32),
        x1=x - 5,
        y1=np.zeros(len(rows), np.float32),
        x2=x + 5,
        y2=np.full(len(rows), 10, np.float32),
        detection=np.where(score > 0, np.arange(len(rows)), -1).astype(np.int32),
        frame_count=frame_count,
        width=640,
        height=360,
    )


EDGES = np.array([0.0, 0.1, 0.2, 0.5, 0.6, 1.0])  # five frames of different length


def test_a_track_with_a_gap_and_a_filled_row_is_told_as_it_was() -> None:
    summary = summarise_tracks(_tracks([(0, 7, 10, 0.5), (1, 7, 13, 0.0), (3, 7, 20, 0.9)], 5), EDGES)[0]
    assert (summary.track_id, summary.class_name, summary.frames, summary.interpolated) == (7, "person", 3, 1)
    assert (summary.first_s, summary.last_s) == (0.0, 0.6)
    assert summary.present_s == pytest.approx(0.1 + 0.1 + 0.1)
    assert summary.mean_score == pytest.approx(0.7)
    assert summary.path_px == pytest.approx(10)
    assert summary.speed_px_s == pytest.approx(10 / 0.5)
    assert (summary.best_row, summary.best_s) == (2, 0.5)
    assert [(s.start_s, s.stop_s, s.is_detected) for s in summary.segments] == [
        (0.0, 0.1, True),
        (0.1, 0.2, False),
        (0.5, 0.6, True),
    ]


def test_a_track_of_one_frame_has_no_speed_and_no_path() -> None:
    summary = summarise_tracks(_tracks([(2, 1, 10, 0.5)], 5), EDGES)[0]
    assert summary.path_px == 0
    assert np.isnan(summary.speed_px_s)
    assert summary.present_s == pytest.approx(0.3)


def test_those_present_longest_come_first_and_equals_by_id() -> None:
    found = summarise_tracks(_tracks([(0, 3, 0, 0.5), (1, 2, 0, 0.5), (2, 9, 0, 0.5)], 5), EDGES)
    assert [summary.track_id for summary in found] == [9, 2, 3]


def test_no_tracks_are_no_lives() -> None:
    assert summarise_tracks(_tracks([], 5), EDGES) == ()


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 19), st.integers(1, 4)), min_size=1), st.integers(0, 2**31))
def test_lives_agree_with_pandas(pairs: set[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(f, k, float(rng.integers(5, 600)), float(rng.choice([0.0, 0.25, 0.75]))) for f, k in sorted(pairs)]
    edges = np.append(0, np.cumsum(rng.uniform(0.01, 0.5, 20)))
    tracks = _tracks(rows, 20)
    table = tracks.to_pandas()
    for summary in summarise_tracks(tracks, edges):
        own = table[table.track_id == summary.track_id].sort_values("frame")
        assert summary.frames == len(own)
        assert summary.interpolated == (own.detection < 0).sum()
        assert summary.path_px == pytest.approx(own.x1.diff().abs().sum(), abs=1e-3)
        assert summary.present_s == pytest.approx(sum(edges[f + 1] - edges[f] for f in own.frame))
        assert sum(s.stop_s - s.start_s for s in summary.segments) == pytest.approx(summary.present_s)
        assert all(a.stop_s <= b.start_s + 1e-12 for a, b in zip(summary.segments, summary.segments[1:], strict=False))
        assert summary.best_s == edges[own.frame.iloc[own.score.argmax()]]
