"""Trails: unbroken runs, their last part, and how they fade."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.trails import draw_trails, find_trails, split_runs
from tasks.report.report_data import ReportData


def test_runs_break_where_a_frame_is_missing(make_dossier: Callable[..., ReportData], walk: list) -> None:
    found = split_runs(make_dossier(walk).tracks)
    assert list(zip(found.track_id, found.start, found.stop, strict=True)) == [(1, 0, 8), (1, 9, 12), (2, 3, 6)]
    assert found.points[0].tolist() == [20, 45]
    assert found.points[found.offset[1]].tolist() == [20 + 5 * 9, 45]


def test_a_trail_holds_the_last_frames_and_no_later_ones(make_dossier: Callable[..., ReportData], walk: list) -> None:
    found = find_trails(split_runs(make_dossier(walk).tracks), frame=6, length=3)
    assert [(track_id, age.tolist()) for track_id, _, age in found] == [(1, [2, 1, 0]), (2, [2, 1])]
    assert found[0][1][:, 0].tolist() == [40, 45, 50]


def test_a_trail_is_gone_once_its_length_has_passed(make_dossier: Callable[..., ReportData], walk: list) -> None:
    paths = split_runs(make_dossier(walk).tracks)
    assert [track_id for track_id, _, _ in find_trails(paths, frame=8, length=3)] == [1]
    assert find_trails(paths, frame=8, length=1) == []
    assert [track_id for track_id, _, _ in find_trails(paths, frame=7, length=3)] == [1, 2]


def test_no_tracks_leave_no_trails(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier()
    paths = split_runs(dossier.tracks)
    assert find_trails(paths, 3, 10) == []
    picture = np.full((90, 160, 3), 100, np.uint8)
    draw_trails(picture, Canvas(160, 90), paths, 3, 10)
    assert (picture == 100).all()


def test_older_parts_are_fainter(make_dossier: Callable[..., ReportData]) -> None:
    rows = [(f, 1, 0, 0.9, (10.0 + 12 * f, 40, 14.0 + 12 * f, 44)) for f in range(12)]
    picture = np.full((90, 640, 3), 100, np.uint8)
    draw_trails(picture, Canvas(640, 90), split_runs(make_dossier(rows, width=640).tracks), 11, 12)
    strength = np.abs(picture.astype(int) - 100).sum(axis=2).max(axis=0)
    x = [12 + 12 * f for f in (1, 6, 10)]
    old, middle, new = (int(strength[at + 3]) for at in x)
    assert 0 < old < middle < new
