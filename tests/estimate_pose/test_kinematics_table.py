from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.artifacts.kinematics import JOINTS
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX, KEYPOINTS, Poses
from tasks.estimate_pose.body_height import SHANK, THIGH, TRUNK, estimate_body_height
from tasks.estimate_pose.keypoint_velocity import compute_speed, compute_velocity
from tasks.estimate_pose.kinematics_table import compute_kinematics
from tasks.estimate_pose.pose_table import smooth_tracks

FPS = 30.0


def table(tracks: dict[int, np.ndarray], frames: dict[int, np.ndarray], score: float = 0.9) -> Poses:
    """Poses of several people: track id to (t, 26, 2) points and to the frames they are in."""
    rows = sorted((int(frame), i, n) for i in tracks for n, frame in enumerate(frames[i]))
    xy = np.array([tracks[i][n] for _, i, n in rows], np.float32).reshape(-1, KEYPOINT_COUNT, 2)
    x, y = xy[..., 0].copy(), xy[..., 1].copy()
    scores = np.where(np.isnan(x), 0, score).astype(np.float32)
    return Poses(
        frame=np.array([row[0] for row in rows], np.int32),
        track_id=np.array([row[1] for row in rows], np.int32),
        score=np.full(len(rows), 0.9, np.float32),
        source=np.array(["whole"] * len(rows), object),
        x=x,
        y=y,
        keypoint_score=scores,
        smooth_x=x,
        smooth_y=y,
        frame_count=400,
        width=2000,
        height=500,
        trusted_score=0.5,
        skeleton="coco17",
        keypoints=KEYPOINTS,
    )


def test_people_who_cross_are_measured_each_for_themselves(walker: Callable[..., np.ndarray], params):
    time_s = np.arange(180) / FPS
    one, two = walker(time_s, 90), walker(time_s, 120, forwards=-1) + np.array([900, 0])
    both = compute_kinematics(
        table({1: one, 2: two}, {1: np.arange(180), 2: np.arange(180)}), np.arange(400) / FPS, params()
    )
    for i, (xy, cadence) in {1: (one, 90), 2: (two, 120)}.items():
        alone = compute_kinematics(table({i: xy}, {i: np.arange(180)}), np.arange(400) / FPS, params())
        mine = both.take(both.track_id == i)
        for f in alone.column_fields():
            assert np.array_equal(getattr(alone, f.name), getattr(mine, f.name)) or np.allclose(
                getattr(alone, f.name), getattr(mine, f.name), equal_nan=True
            )
        assert np.nanmedian(mine.cadence) == pytest.approx(cadence, rel=0.02)
        assert set(mine.heel_strike) == {"none", "left", "right"}


def test_speeds_are_in_body_heights_whatever_the_size(walker: Callable[..., np.ndarray], params):
    time_s = np.arange(90) / FPS
    for scale in (0.3, 1.0, 2.0):
        kinematics = compute_kinematics(
            table({1: scale * walker(time_s, 100, speed=0.8)}, {1: np.arange(90)}), np.arange(400) / FPS, params()
        )
        assert kinematics.travel == pytest.approx(np.full(90, 0.8), abs=0.01)
        assert kinematics.body_height == pytest.approx(np.full(90, scale * 200), rel=0.01)
        assert np.allclose(kinematics.speed[:, KEYPOINT_INDEX["hip_left"]], 0.8, atol=0.01)


def test_what_is_not_trusted_is_not_measured(walker: Callable[..., np.ndarray], params):
    poses = table({1: walker(np.arange(60) / FPS)}, {1: np.arange(60)})
    poses.smooth_x[:, KEYPOINT_INDEX["ankle_left"]] = poses.smooth_y[:, KEYPOINT_INDEX["ankle_left"]] = np.nan
    kinematics = compute_kinematics(poses, np.arange(400) / FPS, params())
    unknown = {joint for joint in JOINTS if np.isnan(kinematics.angle(joint)).all()}
    assert unknown == {"knee_left", "ankle_left", "ankle_right"}  # the figure has no toes
    assert np.isnan(kinematics.speed[:, KEYPOINT_INDEX["ankle_left"]]).all()
    assert np.isfinite(kinematics.body_height).all()  # the other leg tells
    assert set(kinematics.heel_strike) == {"none"} and np.isnan(kinematics.cadence).all()


def test_a_track_that_is_away_is_measured_on_both_sides_and_not_across(walker: Callable[..., np.ndarray], params):
    frames = np.r_[0:30, 60:90]
    xy = walker(np.arange(60) / FPS, speed=0.5)  # as if it came back where it left, a second later
    poses = table({1: xy}, {1: frames})
    kinematics = compute_kinematics(poses, np.arange(400) / FPS, params())
    assert kinematics.travel == pytest.approx(np.full(60, 0.5), abs=0.01)
    smoothed = smooth_tracks(poses, np.arange(400) / FPS, params())
    halves = [table({1: xy[part]}, {1: frames[part]}) for part in (slice(0, 30), slice(30, 60))]
    alone = np.concatenate([smooth_tracks(half, np.arange(400) / FPS, params()) for half in halves])
    assert np.allclose(smoothed, alone, equal_nan=True)


def test_without_smoothing_trusted_points_are_as_seen(walker: Callable[..., np.ndarray], params):
    poses = table({1: walker(np.arange(20) / FPS)}, {1: np.arange(20)})
    poses.keypoint_score[3, 5] = 0.2
    smoothed = smooth_tracks(poses, np.arange(400) / FPS, params(smoothing="none"))
    assert np.argwhere(np.isnan(smoothed[:, :17, 0])).tolist() == [[3, 5]]
    assert np.nanmax(np.abs(smoothed - poses.xy)) == 0


def test_one_frame_and_no_frame_have_no_speed(walker: Callable[..., np.ndarray], params):
    one = compute_kinematics(table({1: walker(np.zeros(1))}, {1: np.array([7])}), np.arange(400) / FPS, params())
    assert np.isnan(one.travel).all() and np.isnan(one.speed).all() and one.pts_s == pytest.approx([7 / FPS])
    assert np.isfinite(one.knee_left).all()
    assert len(compute_kinematics(table({}, {}), np.empty(0), params())) == 0


def test_height_is_that_of_the_parts_and_a_crouch_keeps_it(walker: Callable[..., np.ndarray]):
    xy = walker(np.zeros(90))
    assert estimate_body_height(np.arange(90) / FPS, xy) == pytest.approx(np.full(90, 200), rel=1e-6)
    assert pytest.approx(0.779) == TRUNK + THIGH + SHANK
    for hidden in (("ankle",), ("ankle", "knee")):
        cut = xy.copy()
        cut[:, [KEYPOINT_INDEX[f"{part}_{side}"] for part in hidden for side in ("left", "right")]] = np.nan
        assert estimate_body_height(np.arange(90) / FPS, cut) == pytest.approx(np.full(90, 200), rel=1e-6)
    shortened = xy.copy()
    shortened[40:50] *= 0.6  # for a third of a second the body leans towards the camera
    assert estimate_body_height(np.arange(90) / FPS, shortened) == pytest.approx(np.full(90, 200), rel=0.02)


def test_velocity_is_exact_on_a_line_at_uneven_times_and_knows_no_unknown():
    time_s = np.array([0.0, 0.1, 0.15, 0.4, 0.5, 0.6])
    xy = np.multiply.outer(time_s, np.array([[3.0, 4.0], [-6.0, 8.0]])) + 5
    assert compute_speed(compute_velocity(time_s, xy)) == pytest.approx(np.tile([5.0, 10.0], (6, 1)))
    xy[3, 0] = np.nan
    assert np.isnan(compute_speed(compute_velocity(time_s, xy))[:, 0]).tolist() == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]
