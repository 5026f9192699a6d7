from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.kinematics import JOINTS, Kinematics
from tasks.artifacts.poses import KEYPOINT_COUNT, KEYPOINT_INDEX, KEYPOINTS, MIRRORED_KEYPOINT, SKELETON_EDGES, Poses
from tasks.errors import SemflowError

COCO = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
)  # person_keypoints_val2017.json, categories[0].keypoints


def make_poses(**changed: object) -> Poses:
    x, y = (
        np.arange(2 * KEYPOINT_COUNT, dtype=np.float32).reshape(2, KEYPOINT_COUNT),
        np.full((2, KEYPOINT_COUNT), 5, np.float32),
    )
    smooth_x, smooth_y = x.copy(), y.copy()
    smooth_x[1, 3] = smooth_y[1, 3] = np.nan
    columns = {
        "frame": np.array([0, 0], np.int32),
        "track_id": np.array([1, 4], np.int32),
        "score": np.array([0.9, 0.5], np.float32),
        "source": np.array(["whole", "crop"], object),
        "x": x,
        "y": y,
        "keypoint_score": np.where(np.isnan(smooth_x), 0.2, 0.8).astype(np.float32),
        "smooth_x": smooth_x,
        "smooth_y": smooth_y,
        "frame_count": 3,
        "width": 64,
        "height": 48,
        "trusted_score": 0.5,
        "skeleton": "halpe26",
        "keypoints": KEYPOINTS,
    }
    return Poses(**(columns | changed))


HALPE = "head neck hip left_big_toe right_big_toe left_small_toe right_small_toe left_heel right_heel"
# github.com/Fang-Haoshu/Halpe-FullBody, "26 keypoints" 17 to 25; its hip is called pelvis here


def put_side_last(name: str) -> str:
    side, _, part = name.partition("_")
    return f"{part}_{side}" if side in ("left", "right") else {"hip": "pelvis"}.get(name, name)


def test_keypoints_are_cocos_in_its_order_then_halpes():
    assert [put_side_last(name) for name in f"{COCO} {HALPE}".split()] == [*KEYPOINTS]
    assert [
        KEYPOINTS[other].replace("left", "?").replace("right", "left").replace("?", "right")
        for other in MIRRORED_KEYPOINT
    ] == [*KEYPOINTS]
    assert len(SKELETON_EDGES) == 22
    ends = {KEYPOINTS[end] for bone in SKELETON_EDGES for end in bone}
    assert set(KEYPOINTS) - ends == {"head", "neck", "pelvis", "small_toe_left", "small_toe_right"}


def make_coco_poses() -> Poses:
    poses = make_poses()
    hide = {
        name: np.where(np.arange(KEYPOINT_COUNT) < 17, getattr(poses, name), np.nan).astype(np.float32)
        for name in ("x", "y", "smooth_x", "smooth_y")
    }
    return replace(poses, skeleton="coco17", **hide)


def test_a_skeleton_of_17_keypoints_leaves_the_others_empty_and_out_of_the_long_view(tmp_path: Path):
    poses = make_coco_poses()
    poses.save(tmp_path / "a.parquet")
    again = Poses.load(tmp_path / "a.parquet")
    assert (again.skeleton, again.known_keypoints) == ("coco17", 17)
    assert np.isnan(again.xy[:, 17:]).all() and np.isfinite(again.xy[:, :17]).all()
    assert set(again.to_long_table().column("keypoint").to_pylist()) == set(KEYPOINTS[:17])
    with pytest.raises(SemflowError, match=r"Poses\.x must be finite for the 26 keypoints of halpe26"):
        replace(poses, skeleton="halpe26")


def test_poses_are_kept_on_disk_unknown_places_included(tmp_path: Path):
    poses = make_poses()
    poses.save(tmp_path / "a.parquet")
    again = Poses.load(tmp_path / "a.parquet")
    assert np.array_equal(again.smooth_xy, poses.smooth_xy, equal_nan=True)
    assert again.trusted.sum() == 2 * KEYPOINT_COUNT - 1
    assert (again.trusted_score, again.source.tolist()) == (0.5, ["whole", "crop"])
    again.save(tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_the_long_view_has_a_row_per_keypoint_and_nulls_for_the_unknown():
    view = make_poses().to_long_table()
    assert view.num_rows == 2 * KEYPOINT_COUNT
    row = view.slice(KEYPOINT_COUNT + 3, 1).to_pylist()[0]
    assert (row["track_id"], row["keypoint"], row["x"], row["smooth_x"], row["trusted"]) == (
        4,
        "ear_left",
        KEYPOINT_COUNT + 3,
        None,
        False,
    )
    assert view.column("smooth_y").null_count == 1
    assert make_poses().take([]).to_long_table().num_rows == 0


@pytest.mark.parametrize(
    "changed,message",
    [
        ({"source": np.array(["whole", "guess"], object)}, "must be one of whole, crop, got 'guess'"),
        ({"track_id": np.array([4, 4], np.int32)}, "must increase within a frame, got 4 then 4 in row 1"),
        ({"frame": np.array([0, 3], np.int32)}, r"must lie in \[0, 3\)"),
        ({"x": np.full((2, KEYPOINT_COUNT), np.nan, np.float32)}, "Poses.x must be finite"),
        ({"smooth_y": np.full((2, KEYPOINT_COUNT), 5, np.float32)}, "must be NaN together, got one alone in row 1"),
        ({"score": np.zeros(2)}, "must be float32"),
        ({"skeleton": "openpose"}, "skeleton must be one of coco17, halpe26, got 'openpose'"),
        ({"keypoints": KEYPOINTS[:17]}, "keypoints must be nose, eye_left, .*heel_right, got nose, .*ankle_right"),
    ],
)
def test_what_cannot_be_is_refused(changed, message):
    with pytest.raises(SemflowError, match=message):
        make_poses(**changed)


def make_kinematics(**changed: object) -> Kinematics:
    blank = {f.name: np.full(2, np.nan, np.float32) for f in Kinematics.column_fields() if f.metadata["nan"]}
    columns = {
        **blank,
        "frame": np.array([0, 2], np.int32),
        "track_id": np.array([1, 1], np.int32),
        "pts_s": np.array([0.0, 0.1]),
        "speed": np.full((2, KEYPOINT_COUNT), np.nan, np.float32),
        "heel_strike": np.array(["none", "left"], object),
        "knee_left": np.array([120, np.nan], np.float32),
        "frame_count": 3,
    }
    return Kinematics(**(columns | changed))


def test_kinematics_are_kept_on_disk_and_give_angles_by_name(tmp_path: Path):
    make_kinematics().save(tmp_path / "a.parquet")
    again = Kinematics.load(tmp_path / "a.parquet")
    assert again.angle("knee_left") == pytest.approx([120, np.nan], nan_ok=True)
    assert all(np.isnan(again.angle(joint)).all() for joint in JOINTS if joint != "knee_left")
    with pytest.raises(SemflowError, match=r"joint must be one of elbow_left, .*, got 'wrist_left'"):
        again.angle("wrist_left")
    assert set(KEYPOINT_INDEX) >= set(JOINTS)


@pytest.mark.parametrize(
    "changed,message",
    [
        ({"heel_strike": np.array(["none", "both"], object)}, "got 'both'"),
        ({"hip_right": np.array([181, 0], np.float32)}, r"must lie in \[0, 180\]"),
        ({"pts_s": np.array([0.0, np.nan])}, "must be finite"),
    ],
)
def test_kinematics_that_cannot_be_are_refused(changed, message):
    with pytest.raises(SemflowError, match=message):
        make_kinematics(**changed)
