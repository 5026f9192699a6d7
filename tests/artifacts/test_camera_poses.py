"""The file of camera poses that people write: what is read from it, and what is said where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tasks.artifacts.camera_poses import CameraPoses
from tasks.errors import BadInput

LENS = {"fx": 100.0, "fy": 110.0, "cx": 31.5, "cy": 23.5}
POSE = {"frame": 0, "rotation": [1, 0, 0, 0], "translation": [0, 0, 0]}
FILE = {"width": 64, "height": 48, "near": 1, "far": 9, **LENS, "frames": [POSE, POSE | {"frame": 4}]}


def read(tmp_path: Path, values: Any) -> CameraPoses:
    path = tmp_path / "walk.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return CameraPoses.load(path)


def test_poses_and_lens_are_read_at_the_size_asked_for(tmp_path: Path) -> None:
    poses, lenses = read(tmp_path, FILE).at([4, 0], 24, 32)
    assert poses.shape == (2, 3, 4) and poses[0].tolist() == np.eye(4)[:3].tolist()
    # The centre stays the centre: 31.5 of 64 pixels is 15.5 of 32.
    assert lenses[0].tolist() == [[50, 0, 15.5], [0, 55, 11.5], [0, 0, 1]]


def test_a_quaternion_and_its_matrix_are_the_same_rotation(tmp_path: Path) -> None:
    axis, angle = np.array([1.0, 2, 2]) / 3, 0.7
    matrix, _ = cv2.Rodrigues(axis * angle)
    quaternion = [np.cos(angle / 2), *(np.sin(angle / 2) * axis)]
    found = read(tmp_path, FILE | {"frames": [POSE | {"rotation": quaternion}]}).poses[0].matrix
    np.testing.assert_allclose(found[:, :3], matrix, atol=1e-12)
    again = read(tmp_path, FILE | {"frames": [POSE | {"rotation": matrix.tolist()}]}).poses[0].matrix
    np.testing.assert_allclose(again, found, atol=1e-12)


def test_a_frames_own_lens_counts_before_the_files(tmp_path: Path) -> None:
    own = [[80, 0, 30], [0, 80, 20], [0, 0, 1]]
    poses = read(tmp_path, FILE | {"frames": [POSE, POSE | {"frame": 1, "intrinsics": own}]}).poses
    assert poses[0].intrinsics[0, 0] == 100
    assert poses[1].intrinsics.tolist() == own


def test_without_a_file_there_are_no_poses_and_asking_says_what_to_do(tmp_path: Path) -> None:
    poses = CameraPoses.open(tmp_path / "none.json")
    assert not poses.given
    with pytest.raises(BadInput, match=r"data/cameras/<video>\.json must be there .* set fit_field\.camera"):
        poses.at([0], 24, 32)


def test_other_proportions_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"walk\.json: .* frames' proportions, 32x32, got 64x48"):
        read(tmp_path, FILE).at([0], 32, 32)


def first(**changed: object) -> dict[str, Any]:
    return FILE | {"frames": [POSE | changed]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{", r"walk\.json:1: must be JSON"),
        ([], r"walk\.json: must be an object with width, height, near, far"),
        (FILE | {"fps": 3}, r"keys must be among .* got 'fps'"),
        ({k: v for k, v in FILE.items() if k != "near"}, r"walk\.json: near must be given"),
        (FILE | {"near": 0}, "near must be a number above 0, got 0"),
        (FILE | {"far": 0.5}, "far must be a distance beyond near, 1, got 0.5"),
        (FILE | {"width": "wide"}, 'width must be a number above 1, got "wide"'),
        (FILE | {"frames": {}}, "frames must be a list of poses"),
        (FILE | {"frames": [POSE, POSE]}, r"frames\[1\]: frame must be another than those before, got 0"),
        (FILE | {"frames": [3]}, r"frames\[0\]: must be an object with frame"),
        (first(frame=-1), r"frames\[0\]: frame must be a whole number"),
        (first(translation=[0, 0]), r"walk\.json: frame 0: translation must be 3 numbers"),
        (first(translation=None), "frame 0: translation must be 3 numbers, got nothing"),
        (first(rotation=[1, 1, 0, 0]), "frame 0: rotation must be a quaternion"),
        (first(rotation=[[1, 0, 0], [0, 1, 0], [0, 0, -1]]), "rotation must be a rotation: orthonormal"),
        (first(rotation=[1, 0]), "rotation must be 3x3 or 4 numbers"),
        (first(roll=1), "keys must be among .* got 'roll'"),
        (first(intrinsics=[[1, 0, 0], [0, 1, 0], [0, 1, 1]]), r"intrinsics must be \[\[fx, s, cx\]"),
        ({k: v for k, v in FILE.items() if k != "fy"}, r"walk\.json: fy must be given \(a number above 0\)"),
        (FILE | {"fx": -3}, "fx must be a number above 0, got -3"),
    ],
)
def test_what_is_wrong_is_named_with_file_frame_and_key(tmp_path: Path, values: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, values)
