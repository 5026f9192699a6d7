"""Figures: bodies that stay whole, flow that is true, motions that pictures do not give away."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tasks.geometry.homography import compute_camera_flow
from tasks.geometry.warp import find_targets_inside, warp_image
from tasks.synthetic.figures import figure_clip as clips
from tasks.synthetic.figures.figure_clip import SIDE, ClipTheme, draw_figure_clip
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.synthetic.figures.figure_skeleton import FOREARM, SHANK, THIGH, UPPER_ARM, BodyBuild, compute_joints
from tasks.synthetic.figures.ordered_motions import EVERY_MOTION, SENSES, TEMPI, UNTRAINED

TIMES = np.arange(30) / 25

MIN_PVALUE = 1e-3


@pytest.mark.parametrize("name", EVERY_MOTION)
def test_bones_keep_their_length_and_a_foot_is_on_the_ground(name: str) -> None:
    pose = EVERY_MOTION[name](TIMES, np.random.default_rng(1))
    body = compute_joints(pose, BodyBuild())
    for first, second, length in (
        (body.shoulders, body.elbows, UPPER_ARM),
        (body.elbows, body.hands, FOREARM),
        (body.hips, body.knees, THIGH),
        (body.knees, body.ankles, SHANK),
    ):
        for one, other in zip(first, second, strict=True):
            np.testing.assert_allclose(np.linalg.norm(one - other, axis=1), length, atol=1e-9)
    lowest = np.min([foot[:, 2] for foot in (*body.ankles, *body.toes)], axis=0)
    np.testing.assert_allclose(lowest, pose.air, atol=1e-9)


@pytest.mark.parametrize("name", MOTIONS)
def test_motions_move_and_standing_does_not(name: str) -> None:
    body = compute_joints(MOTIONS[name](TIMES, np.random.default_rng(2)), BodyBuild())
    ways = [np.ptp(part, axis=0).max() for pair in (body.hands, body.ankles, body.shoulders) for part in pair]
    assert (max(ways) < 0.1) == (name == "stand")


@pytest.mark.parametrize("name", ["walk", "spin", "kick", "jump"])
def test_flow_leads_to_where_the_same_cloth_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next picture, fetched along the flow, is this one, but for what is covered or turns out of sight."""
    monkeypatch.setattr(clips, "MAX_GRAIN", 1e-9)
    fetched: list[float] = []
    stayed: list[float] = []
    for seed in range(3):
        clip = draw_figure_clip((seed, 5), MOTIONS[name], 3, ClipTheme())
        for frame in range(2):
            picture, after = (clip.pictures[at].astype(np.float32) for at in (frame, frame + 1))
            x1, y1, x2, y2 = clip.xyxy[frame].clip(0, SIDE).astype(int)
            for found, other in ((fetched, warp_image(after, clip.flow[frame])), (stayed, after)):
                found.append(float(np.median(np.abs(picture - other).mean(axis=2)[y1:y2, x1:x2])))
    assert np.mean(fetched) < 0.6 * np.mean(stayed)
    assert max(fetched) < 6  # bilinear sampling of checks and stripes costs as much, and shading that turns along


def test_flow_of_the_scenery_is_the_camera_s() -> None:
    clip = draw_figure_clip((3, 1), MOTIONS["wave"], 5, ClipTheme())
    for flow, camera in zip(clip.flow, clip.cameras, strict=True):
        off = np.linalg.norm(flow - compute_camera_flow(camera, SIDE, SIDE), axis=2)
        assert np.median(off) < 1e-3  # the figure covers less than half


def test_the_box_holds_what_moves_by_itself() -> None:
    for seed in range(4):
        clip = draw_figure_clip((seed, 2), MOTIONS["kick"], 8, ClipTheme())
        for flow, camera, (x1, y1, x2, y2) in zip(clip.flow, clip.cameras, clip.xyxy, strict=False):
            own = np.linalg.norm(flow - compute_camera_flow(camera, SIDE, SIDE), axis=2) > 0.3
            rows, columns = np.nonzero(own & find_targets_inside(flow))
            inside = (columns >= x1 - 3) & (columns <= x2 + 3) & (rows >= y1 - 3) & (rows <= y2 + 3)
            assert inside.all()


def test_a_seed_gives_the_same_clip_and_another_one_another() -> None:
    one, again, other = (draw_figure_clip(seed, MOTIONS["clap"], 3, ClipTheme()) for seed in ((4, 2), (4, 2), (4, 3)))
    np.testing.assert_array_equal(one.pictures, again.pictures)
    np.testing.assert_array_equal(one.flow, again.flow)
    assert (np.array(one.pictures) != np.array(other.pictures)).any()


def test_a_theme_s_colour_does_not_touch_the_motion() -> None:
    one, other = (draw_figure_clip((4, 2), MOTIONS["clap"], 3, ClipTheme(hue)) for hue in (0.0, 0.6))
    np.testing.assert_array_equal(one.xyxy, other.xyxy)
    red, blue = (np.mean(clip.pictures[0], axis=(0, 1)) for clip in (one, other))
    assert red[0] > red[2] + 20 and blue[2] > blue[0] + 20


def compare_distributions(a: np.ndarray, b: np.ndarray) -> float:
    """P value of the Kolmogorov-Smirnov test that both samples come from one distribution."""
    return float(np.asarray(ks_2samp(a, b))[1])


def test_no_picture_tells_a_throw_from_a_catch() -> None:
    """At a moment in the middle, the arm has the same angles as often; within a clip it goes the other way."""
    t = np.arange(33) / 25
    poses = {
        name: [motion(t, np.random.default_rng([number, seed])) for seed in range(300)]
        for number, (name, motion) in enumerate(SENSES.items())
    }
    moving = {
        name: np.array([max((arm.flexion for arm in pose.arms), key=np.ptp) for pose in some])
        for name, some in poses.items()
    }
    assert compare_distributions(moving["throw"][:, 16], moving["catch"][:, 16]) > MIN_PVALUE
    steepest = {name: np.diff(angles, axis=1) for name, angles in moving.items()}
    assert (steepest["throw"].max(axis=1) > 2 * -steepest["throw"].min(axis=1)).mean() > 0.9
    assert (-steepest["catch"].min(axis=1) > 2 * steepest["catch"].max(axis=1)).mean() > 0.9


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(TEMPI | UNTRAINED, 2)))
def test_no_picture_tells_one_tempo_from_another(one: str, other: str) -> None:
    """At a moment in the middle, the angles of a leg come from the same distribution under both."""
    t = np.arange(33) / 25

    def angles(name: str, first: int) -> np.ndarray:
        poses = [EVERY_MOTION[name](t, np.random.default_rng([first, seed])) for seed in range(300)]
        return np.array([(pose.legs[0].flexion[16], pose.legs[0].lower_flexion[16]) for pose in poses])

    for a, b in zip(angles(one, 1).T, angles(other, 2).T, strict=True):
        assert compare_distributions(a, b) > MIN_PVALUE
