"""Paths without the camera's motion: who stands still stays in place however the camera moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.artifacts.shots import Shots, Transition
from tasks.report.paths import chain_cameras, find_longest_shot, smooth_over_time, trace_paths
from tasks.report.report_data import ReportData
from tasks.report.sections.paths_section import make_paths_section

COUNT, PAN = 40, (2.0, 1.0)
"""Frames, and how far the whole picture moves from each to the next, px."""


@pytest.fixture
def panned(make_dossier: Callable[..., ReportData]) -> ReportData:
    """A camera that pans: one person stands in the scene, one walks through it by 3 px a frame to the right."""
    rows = []
    for f in range(COUNT):
        dx, dy = PAN[0] * f, PAN[1] * f
        rows.append((f, 1, 0, 0.9, (10 + dx, 10 + dy, 20 + dx, 40 + dy)))
        rows.append((f, 2, 0, 0.9, (30 + dx + 3 * f, 5 + dy, 40 + dx + 3 * f, 45 + dy)))
    return make_dossier(rows, status=["ok"] * COUNT, motions=[PAN] * (COUNT - 1), width=320, height=180)


def test_the_camera_is_taken_out(panned: ReportData) -> None:
    still, walker = trace_paths(panned.tracks, panned.dense_flow, panned.film_shots, panned.edges_s)
    assert still.length_px == pytest.approx(0, abs=1e-3)
    assert still.xy[-1] == pytest.approx([15, 40], abs=1e-3)
    # The mean over what is left of the window at both ends is nearer to the middle by a quarter of the window.
    assert walker.length_px == walker.reach_px == pytest.approx(3 * (COUNT - 1), abs=12)
    assert walker.seconds == pytest.approx((COUNT - 1) / 25)


def test_paths_are_of_the_longest_shot(make_dossier: Callable[..., ReportData]) -> None:
    rows = [(f, 1, 0, 0.9, (10.0 + f, 10, 20.0 + f, 40)) for f in range(12)]
    motions = [(0.0, 0.0)] * 3 + ["cut"] + [(0.0, 0.0)] * 7
    data = make_dossier(rows, motions=motions)
    assert find_longest_shot(data.dense_flow, data.film_shots) == (4, 12)
    dissolve = Shots.from_transitions([Transition("dissolve", 6, 5, 7, 1.0)], data.frames.pts_s)
    assert find_longest_shot(data.dense_flow, dissolve) == (6, 12), "flow may be known within a dissolve"
    (path,) = trace_paths(data.tracks, data.dense_flow, data.film_shots, data.edges_s)
    assert path.frame.tolist() == list(range(4, 12))
    assert "from 0:00.1 to 0:00.4, the longest shot" in make_paths_section(data).lead


def test_chained_cameras_lead_back_to_the_first_frame() -> None:
    rng = np.random.default_rng(0)
    cameras = np.eye(3) + rng.normal(0, 0.01, (5, 3, 3)) * [[1, 1, 100], [1, 1, 100], [1e-3, 1e-3, 0]]
    onto_first = chain_cameras(cameras, 0, 6)
    point = np.array([100.0, 50.0, 1.0])
    for camera, back in zip(cameras, onto_first[1:], strict=True):
        point = camera @ point
        returned = back @ point
        assert returned[:2] / returned[2] == pytest.approx([100, 50])


def test_smoothing_goes_by_time_not_by_frames() -> None:
    values, times = np.array([[0.0], [1.0], [5.0], [9.0]]), np.array([0.0, 0.1, 1.0, 1.1])
    assert smooth_over_time(values, times, 0.3)[:, 0].tolist() == [0.5, 0.5, 7.0, 7.0]


def test_the_table_holds_ways_and_the_drawing_only_who_moved(panned: ReportData, read_page: Callable) -> None:
    page = read_page(make_paths_section(panned).body)
    assert page.count("path", "end") == 1
    assert sum(tag == "tr" for tag, _ in page.tags) == 3


def test_without_tracks_or_flow_there_are_no_paths(make_dossier: Callable[..., ReportData], walk: list) -> None:
    assert make_paths_section(make_dossier()) is None
    assert make_paths_section(make_dossier(walk, motions=["missing"] * 11)) is None
