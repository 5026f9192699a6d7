from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.artifacts.poses import KEYPOINT_INDEX, MIRRORED_KEYPOINT
from tasks.estimate_pose.joint_angles import (
    JOINT_CHAINS,
    compute_angle,
    compute_joint_angles,
    compute_pose_asymmetry,
    compute_trunk_lean,
)

poses = arrays.arrays(np.float64, (3, 26, 2), elements=st.integers(-300, 300).map(float))


def stacked(xy: np.ndarray) -> np.ndarray:
    return np.stack(list(compute_joint_angles(xy).values()))


@given(poses, st.floats(-np.pi, np.pi), st.floats(0.1, 10), st.tuples(st.floats(-500, 500), st.floats(-500, 500)))
@settings(max_examples=60, deadline=None)
def test_angles_do_not_change_when_the_picture_is_moved_turned_or_scaled(xy, turn, scale, move):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    angles, after = stacked(xy), stacked(scale * xy @ rotation.T + move)
    known = np.isfinite(angles)
    assert np.allclose(after[known], angles[known], atol=1e-5)
    assert (angles[known] >= 0).all() and (angles[known] <= 180).all()


@given(poses)
@settings(max_examples=60, deadline=None)
def test_a_mirror_swaps_left_and_right_angles_and_turns_the_trunk(xy):
    mirrored = xy[:, MIRRORED_KEYPOINT] * [-1, 1]
    angles, other = compute_joint_angles(xy), compute_joint_angles(mirrored)
    for joint in JOINT_CHAINS:
        assert np.allclose(angles[f"{joint}_left"], other[f"{joint}_right"], equal_nan=True)
        assert np.allclose(angles[f"{joint}_right"], other[f"{joint}_left"], equal_nan=True)
    assert np.allclose(compute_pose_asymmetry(angles), compute_pose_asymmetry(other), equal_nan=True)
    upright = np.abs(compute_trunk_lean(xy)) < 179.9
    assert np.allclose(compute_trunk_lean(xy)[upright], -compute_trunk_lean(mirrored)[upright])


@pytest.mark.parametrize("degrees", [0, 1e-3, 30, 90, 135, 179.999, 180])
def test_the_angle_is_that_between_both_ways(degrees):
    last = np.array([[np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]]) * 7
    found = compute_angle(np.array([[3.0, 0.0]]), np.zeros((1, 2)), last)
    assert found == pytest.approx([degrees], abs=1e-6)


def test_a_joint_without_length_or_with_an_unknown_end_has_no_angle():
    point, other = np.array([[2.0, 3.0]]), np.array([[5.0, 1.0]])
    assert np.isnan(compute_angle(point, point, other)).all()
    assert np.isnan(compute_angle(other, point, np.full((1, 2), np.nan))).all()


def test_an_unknown_ankle_takes_its_knee_and_nothing_else(walker):
    xy = walker(np.array([0.2]))
    xy[:, KEYPOINT_INDEX["ankle_left"]] = np.nan
    unknown = {name for name, angle in compute_joint_angles(xy).items() if np.isnan(angle).all()}
    assert unknown == {"knee_left", "ankle_left", "ankle_right"}  # the figure has no toes
    assert np.isfinite(compute_pose_asymmetry(compute_joint_angles(xy))).all()


def test_a_mirror_image_of_itself_has_no_asymmetry_and_nothing_known_has_none_at_all(walker):
    xy = walker(np.array([0.1, 0.2]))
    sides = {
        n: (KEYPOINT_INDEX[n], KEYPOINT_INDEX[n.replace("left", "right")]) for n in KEYPOINT_INDEX if n.endswith("left")
    }
    for left, right in sides.values():
        xy[:, right] = xy[:, left]
    assert compute_pose_asymmetry(compute_joint_angles(xy)) == pytest.approx([0, 0])
    assert np.isnan(compute_pose_asymmetry(compute_joint_angles(np.full((2, 26, 2), np.nan)))).all()


def test_lean_is_positive_to_the_right_of_the_picture(walker):
    xy = walker(np.array([0.0]))
    for side in ("left", "right"):
        xy[:, KEYPOINT_INDEX[f"shoulder_{side}"], 0] += 50
    rise = xy[0, KEYPOINT_INDEX["hip_left"], 1] - xy[0, KEYPOINT_INDEX["shoulder_left"], 1]
    assert compute_trunk_lean(xy) == pytest.approx([np.degrees(np.arctan2(50, rise))])


def test_an_ankle_is_measured_from_the_shank_to_the_big_toe(walker):
    xy = walker(np.array([0.2]))
    for name, place in (("knee_left", (0, 0)), ("ankle_left", (0, 50)), ("big_toe_left", (20, 50))):
        xy[:, KEYPOINT_INDEX[name]] = place
    angles = compute_joint_angles(xy)
    assert angles["ankle_left"] == pytest.approx([90]) and np.isnan(angles["ankle_right"]).all()
