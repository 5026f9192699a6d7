"""Speeds of the picture and of the camera, against motions that were put in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.report import motion_stats as module
from tasks.report.motion_stats import camera_speeds, finite_mean, measure_motion
from tasks.report.report_data import ReportData


def test_speed_is_the_mean_length_of_the_flow(make_dossier: Callable[..., ReportData]) -> None:
    found = measure_motion(make_dossier(motions=[(3.0, 4.0), (0.0, 0.0), "cut", (-6.0, 8.0), "missing"]).dense_flow)
    assert found.pairs.tolist() == [0, 1, 3]
    assert found.speed_px == pytest.approx([5, 0, 10])
    assert found.camera_px == pytest.approx([5, 0, 10])


def test_vectors_that_are_not_valid_do_not_count(make_dossier: Callable[..., ReportData]) -> None:
    flow = make_dossier(motions=[(3.0, 4.0)] * 11).dense_flow
    forward, valid = flow.forward(0), flow.valid(0)
    forward[~valid] = 500

    class Wild:
        height, width, known = flow.height, flow.width, flow.known
        cameras, camera_inliers = flow.cameras, flow.camera_inliers

        def forward(self, i: int) -> np.ndarray:
            return forward

        def valid(self, i: int) -> np.ndarray:
            return valid if i else np.zeros_like(valid)

    found = measure_motion(Wild())  # type: ignore[arg-type]  # a flow that no encoder would write
    assert np.isnan(found.speed_px[0]) and found.speed_px[1:] == pytest.approx(5)
    assert found.scale_px == 5


def test_a_long_video_is_sampled_evenly(
    make_dossier: Callable[..., ReportData], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = make_dossier(status=["ok"] * 101, width=16, height=16).dense_flow
    assert measure_motion(flow, most=4).pairs.tolist() == [12, 37, 62, 87]
    read: list[int] = []
    monkeypatch.setattr(module, "_lengths", lambda flow, i, step: read.append(i) or np.ones(1, np.float32))
    measure_motion(flow, most=10)
    assert len(read) == 10


@pytest.mark.parametrize(
    ("motion", "scale"), [((0.0, 0.0), 1.0), ((0.0, 0.5), 1.0), ((7.0, 0.0), 8.0), ((0.0, 12.5), 15.0)]
)
def test_the_scale_of_colours_is_round_and_never_below_a_pixel(
    make_dossier: Callable[..., ReportData], motion: tuple[float, float], scale: float
) -> None:
    assert measure_motion(make_dossier(motions=[motion] * 11).dense_flow).scale_px == scale


def test_a_turning_camera_has_the_mean_of_its_motion_over_the_frame() -> None:
    angle = np.deg2rad(2)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    y, x = np.mgrid[:90, :160].astype(float)
    expected = 2 * np.sin(angle / 2) * np.hypot(x, y).mean()  # a chord of the circle each point runs along
    assert camera_speeds(turn[None], 90, 160) == pytest.approx([expected], rel=0.01)


def test_a_homography_that_sends_points_to_infinity_has_no_speed() -> None:
    behind = np.array([[1, 0, 0], [0, 1, 0], [-0.02, 0, 1.0]])
    assert np.isnan(camera_speeds(np.stack([behind, np.zeros((3, 3))]), 90, 160)).all()
    assert camera_speeds(np.zeros((0, 3, 3)), 90, 160).shape == (0,)


def test_the_mean_of_nothing_known_is_unknown() -> None:
    assert np.isnan(finite_mean(np.array([np.nan, np.nan]))) and np.isnan(finite_mean(np.zeros(0)))
    assert finite_mean(np.array([np.nan, 1.0, 3.0])) == 2
