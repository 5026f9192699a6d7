from __future__ import annotations

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
    }
    return Poses(**(columns | changed))


def test_keypoints_are_cocos_in_its_order():
    assert [" ".join(reversed(name.split("_"))).replace(" ", "_") for name in KEYPOINTS] == COCO.split()
    assert [
        KEYPOINTS[other].replace("left", "?").replace("right", "left").replace("?", "right")
        for other in MIRRORED_KEYPOINT
    ] == [*KEYPOINTS]
    assert len(SKELETON_EDGES) == 16 and {end for bone in SKELETON_EDGES for end in bone} == set(range(KEYPOINT_COUNT))


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
        20,
        None,
        False,
    )
    assert view.column("smooth_y").null_count == 1
    assert Poses.empty(frame_count=0, width=1, height=1, trusted_score=0.5).to_long_table().num_rows == 0


@pytest.mark.parametrize(
    "changed,message",
    [
        ({"source": np.array(["whole", "guess"], object)}, "must be one of whole, crop, got 'guess'"),
        ({"track_id": np.array([4, 4], np.int32)}, "must increase within a frame, got 4 then 4 in row 1"),
        ({"frame": np.array([0, 3], np.int32)}, r"must lie in \[0, 3\)"),
        ({"x": np.full((2, KEYPOINT_COUNT), np.nan, np.float32)}, "Poses.x must be finite"),
        ({"smooth_y": np.full((2, KEYPOINT_COUNT), 5, np.float32)}, "must be NaN together, got one alone in row 1"),
        ({"score": np.zeros(2)}, "must be float32"),
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
    with pytest.raises(SemflowError, match=r"joint must be one of elbow_left, .*, got 'ankle_left'"):
        again.angle("ankle_left")
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
