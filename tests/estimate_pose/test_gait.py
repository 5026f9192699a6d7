from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.poses import KEYPOINT_INDEX, MIRRORED_KEYPOINT
from tasks.estimate_pose.body_height import estimate_body_height
from tasks.estimate_pose.gait import WalkingBout, choose_foot_keypoint, detect_walking_bouts, split_regular_steps
from tasks.estimate_pose.keypoint_smoothing import smooth_keypoints

BRIDGE_S = 0.2
HEIGHT = 200.0  # of the stick figure


def found(time_s: np.ndarray, xy: np.ndarray, least: int = 4) -> list[WalkingBout]:
    return detect_walking_bouts(time_s, xy, estimate_body_height(time_s, xy), least, BRIDGE_S)


@pytest.mark.parametrize("cadence", [60, 100, 113, 180])
@pytest.mark.parametrize("fps", [15, 30, 60])
def test_the_cadence_of_a_stick_figure_is_recovered(walker, cadence, fps):
    time_s = np.arange(int(6 * fps)) / fps
    (walk,) = found(time_s, walker(time_s, cadence))
    assert walk.compute_cadence(time_s[walk.rows]) == pytest.approx(np.full(len(walk.rows), cadence), rel=0.02)
    assert len(walk.rows) == pytest.approx(6 * cadence / 60, abs=1)
    assert walk.asymmetry < 3


@pytest.mark.parametrize("speed", [0.8, 0.0])
@pytest.mark.parametrize("forwards", [1, -1])
@pytest.mark.parametrize("depth", [0.0, 0.15])
def test_the_foot_ahead_strikes_on_the_ground_or_on_a_treadmill_either_way(walker, speed, forwards, depth):
    time_s = np.arange(150) / 30
    xy = walker(time_s, 100, speed, forwards=forwards, depth=depth)
    (walk,) = found(time_s, xy)
    # One stride of 1.2 s, finely: where the left ankle is furthest ahead of the right one, and the other way round.
    fine_s = np.arange(1200) / 1000
    fine = walker(fine_s, 100, speed, forwards=forwards, depth=depth)
    lead = forwards * (fine[:, KEYPOINT_INDEX["ankle_left"], 0] - fine[:, KEYPOINT_INDEX["ankle_right"], 0])
    due = np.where(walk.sides == "left", fine_s[lead.argmax()], fine_s[lead.argmin()])
    miss = (walk.times_s - due + 0.6) % 1.2 - 0.6
    assert set(walk.sides) == {"left", "right"}
    assert np.abs(miss).max() < 1 / 30
    assert (walk.sides[1:] != walk.sides[:-1]).all()
    apart = xy[:, KEYPOINT_INDEX["ankle_left"], 0] - xy[:, KEYPOINT_INDEX["ankle_right"], 0]
    assert walk.lead == pytest.approx((forwards * apart / HEIGHT)[walk.within], abs=0.04)
    assert (walk.within == np.arange(walk.rows[0], walk.rows[-1] + 1)).all()


def test_a_mirror_swaps_the_feet_and_keeps_the_times(walker):
    time_s = np.arange(150) / 30
    xy = walker(time_s, 110)
    (walk,), (other,) = found(time_s, xy), found(time_s, xy[:, MIRRORED_KEYPOINT] * [-1, 1] + [1000, 0])
    assert other.times_s == pytest.approx(walk.times_s)
    assert (other.sides != walk.sides).all()


def test_turning_the_camera_changes_nothing(walker):
    time_s = np.arange(150) / 30
    xy = walker(time_s, 110)
    turn = np.array([[np.cos(0.9), -np.sin(0.9)], [np.sin(0.9), np.cos(0.9)]])
    (walk,), (other,) = found(time_s, xy), found(time_s, xy @ turn.T)
    assert other.times_s == pytest.approx(walk.times_s)
    assert (other.sides == walk.sides).all()


def test_a_limp_is_an_asymmetry(walker):
    """Time runs slower from a left strike to the right one: right steps take 26 % of the mean step longer."""
    fine = walker(np.arange(1000) / 1000, 120, speed=0.0)
    strike = (fine[:, KEYPOINT_INDEX["ankle_left"], 0] - fine[:, KEYPOINT_INDEX["ankle_right"], 0]).argmax() / 1000
    time_s = np.arange(480) / 60
    phase = np.interp(time_s, np.cumsum([0, *[0.565, 0.435] * 9]), strike + np.arange(19) * 0.5)
    (walk,) = found(time_s, walker(phase, 120))
    left, right = (walk.steps_s[walk.sides[1:] == side].mean() for side in ("left", "right"))
    assert (left, right) == pytest.approx((0.435, 0.565), abs=0.015)
    assert walk.asymmetry == pytest.approx(26, abs=3)


def test_standing_jumping_jacks_and_two_steps_are_no_walk(walker):
    time_s = np.arange(150) / 30
    assert found(time_s, walker(np.zeros(150))) == []
    jacks = walker(np.zeros(150))
    for side, sign in (("left", 1), ("right", -1)):
        apart = sign * (40 + 30 * np.sin(2 * np.pi * 1.5 * time_s))
        jacks[:, KEYPOINT_INDEX[f"ankle_{side}"], 0] = jacks[:, KEYPOINT_INDEX[f"hip_{side}"], 0] + apart
    assert found(time_s, jacks) == []
    short = time_s[:45]
    assert found(short, walker(short, 100)) == []
    assert len(found(short, walker(short, 100), least=2)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_person_who_stands_and_trembles_does_not_walk(walker, seed):
    time_s, ones = np.arange(300) / 30, np.ones((300, 26))
    xy = walker(np.zeros(300)) + np.random.default_rng(seed).normal(0, 4, (300, 26, 2))
    assert found(time_s, smooth_keypoints(time_s, xy, ones, ones > 0, cutoff_hz=6, bridge_s=0.2)) == []


def test_unknown_ankles_end_a_walk_and_no_keypoints_are_none(walker):
    time_s = np.arange(240) / 30
    xy = walker(time_s, 120)
    xy[110:130, KEYPOINT_INDEX["ankle_left"]] = np.nan
    first, second = found(time_s, xy)
    assert first.rows.max() < 110 and second.rows.min() >= 130
    assert found(time_s, np.full_like(xy, np.nan)) == []
    assert found(np.empty(0), np.empty((0, 26, 2))) == []


def test_a_hidden_face_on_a_treadmill_leaves_steps_without_a_side(walker):
    time_s = np.arange(150) / 30
    xy = walker(time_s, 100, speed=0)
    xy[:, KEYPOINT_INDEX["nose"]] = np.nan
    (walk,) = found(time_s, xy)
    assert set(walk.sides) == {"unsided"} and np.isnan(walk.lead).all()
    assert np.isnan(walk.asymmetry)


def test_steps_of_another_length_begin_another_walk():
    def parts(*times_s: float, sides: str = "lrlrlrlrlrlr") -> list[tuple[int, int]]:
        words = {"l": "left", "r": "right", "u": "unsided"}
        feet = np.array([words[side] for side in sides[: len(times_s)]], object)
        return [(part.start, part.stop) for part in split_regular_steps(np.array(times_s), feet)]

    assert parts(0, 0.5, 1.0, 1.5, 2.5, 3.5, 4.5) == [(0, 4), (3, 7)]
    assert parts(0, 0.5, 1.0, 4.0, 4.5) == [(0, 3), (3, 5)]
    assert parts(0, 0.5, 1.0, 1.5, 2.0, sides="lrrlr") == [(0, 2), (2, 5)]
    assert parts(0, 0.5, 1.0, sides="uuu") == [(0, 3)]
    assert parts() == []


def with_heels(xy: np.ndarray, back: float = 8.0) -> np.ndarray:
    """`xy` with heels, `back` pixels behind and below the ankles, and toes before them."""
    shod = xy.copy()
    for side in ("left", "right"):
        ankle = xy[:, KEYPOINT_INDEX[f"ankle_{side}"]]
        shod[:, KEYPOINT_INDEX[f"heel_{side}"]] = ankle + np.array([-back, back])
        shod[:, KEYPOINT_INDEX[f"big_toe_{side}"]] = ankle + np.array([3 * back, back])
    return shod


def test_steps_are_those_of_the_heels_where_both_are_nearly_always_there(walker):
    time_s = np.arange(300) / 30
    xy = with_heels(walker(time_s))
    assert choose_foot_keypoint(walker(time_s)) == "ankle"
    assert choose_foot_keypoint(xy) == "heel"
    still = xy.copy()
    for side in ("left", "right"):  # heels that never leave their hips: nobody walks
        still[:, KEYPOINT_INDEX[f"heel_{side}"]] = still[:, KEYPOINT_INDEX[f"hip_{side}"]] + [0, 90]
    assert len(found(time_s, xy)) == 1 and found(time_s, still) == []
    still[::5, KEYPOINT_INDEX["heel_left"]] = np.nan
    assert choose_foot_keypoint(still) == "ankle" and len(found(time_s, still)) == 1
