"""The file of camera poses that people write: what is read from it, and what is said where it is wrong."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.json_lines import find_line
from tasks.errors import BadInput

LENS = {"fx": 100.0, "fy": 110.0, "cx": 31.5, "cy": 23.5}
POSE = {"frame": 0, "rotation": [1, 0, 0, 0], "translation": [0, 0, 0]}
FILE = {"width": 64, "height": 48, "near": 1, "far": 9, **LENS, "frames": [POSE, POSE | {"frame": 4}]}


def read(tmp_path: Path, values: Any) -> CameraPoses:
    path = tmp_path / "walk.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return CameraPoses.load(path)


def test_poses_and_lens_are_read_at_the_size_asked_for(tmp_path: Path) -> None:
    poses, lenses = read(tmp_path, FILE).scale_poses([4, 0], 24, 32)
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
        poses.scale_poses([0], 24, 32)


def test_other_proportions_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"walk\.json: .* frames' proportions, 32x32, got 64x48"):
        read(tmp_path, FILE).scale_poses([0], 32, 32)


def first(**changed: object) -> dict[str, Any]:
    return FILE | {"frames": [POSE | changed]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("{", r"walk\.json:1: must be JSON"),
        ([], r"walk\.json:1: must be an object with width, height, near, far"),
        (FILE | {"fps": 3}, r'walk\.json:1: keys must be among .* got "fps"'),
        ({k: v for k, v in FILE.items() if k != "near"}, r"walk\.json:1: near must be given"),
        (FILE | {"near": 0}, "near must be a number above 0, got 0"),
        (FILE | {"far": 0.5}, "far must be a distance beyond near, 1, got 0.5"),
        (FILE | {"width": "wide"}, 'width must be a number above 1, got "wide"'),
        (FILE | {"frames": {}}, "frames must be a list of poses"),
        (FILE | {"frames": [POSE, POSE]}, r"frames\[1\]: frame must be another than those before, got 0"),
        (FILE | {"frames": [3]}, r"frames\[0\]: must be an object with frame"),
        (first(frame=-1), r"frames\[0\]: frame must be a whole number"),
        (first(translation=[0, 0]), r"walk\.json:1: frame 0: translation must be 3 numbers"),
        (first(translation=None), "frame 0: translation must be 3 numbers, got nothing"),
        (first(rotation=[1, 1, 0, 0]), "frame 0: rotation must be a quaternion"),
        (first(rotation=[[1, 0, 0], [0, 1, 0], [0, 0, -1]]), "rotation must be a rotation: orthonormal"),
        (first(rotation=[1, 0]), "rotation must be 3x3 or 4 numbers"),
        (first(roll=1), 'keys must be among .* got "roll"'),
        (first(intrinsics=[[1, 0, 0], [0, 1, 0], [0, 1, 1]]), r"intrinsics must be \[\[fx, s, cx\]"),
        ({k: v for k, v in FILE.items() if k != "fy"}, r"walk\.json:1: fy must be given \(a number above 0\)"),
        (FILE | {"fx": -3}, "fx must be a number above 0, got -3"),
        (FILE | {"fx": 10**400}, "fx must be a number above 0, got 1000"),
        (FILE | {"cx": -1e300}, "cx must be a number, got -1e"),
        (FILE | {"near": float("nan")}, "near must be a number above 0, got NaN"),
        (first(translation=[0, 0, 10**400]), "translation must be 3 numbers"),
        (first(translation=[0, 0, 1e300]), "translation must be 3 numbers"),
        (first(translation=["0", "0", "0"]), "translation must be 3 numbers"),
        (first(translation=[True, 0, 0]), "translation must be 3 numbers"),
        (first(translation={"x": 0}), "translation must be 3 numbers"),
        ("[" * 100_000, r"walk\.json:1: must be JSON of numbers and lists"),
        ('{"near": ' + "9" * 5000 + "}", r"walk\.json:1: must be JSON of numbers and lists"),
        ('{"near": 1,\n"far": 3,\n"near": 2}', r'walk\.json:3: keys must be given once, got "near" again'),
        (
            '{"frames": [{"frame": 1},\n{"frame": 1,\n"frame": 2}]}',
            r'walk\.json:3: keys must be given once, got "frame"',
        ),
        ("\0", r"walk\.json:1: must be text, got a byte 0x00"),
    ],
)
def test_what_is_wrong_is_named_with_file_frame_and_key(tmp_path: Path, values: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, values)


def test_an_error_has_the_line_of_what_is_wrong(tmp_path: Path) -> None:
    poses = [POSE, POSE | {"frame": 1}, POSE | {"frame": 2, "rotation": [1, 0]}]
    text = json.dumps(FILE | {"frames": poses}, indent=1)
    line = [n for n, part in enumerate(text.splitlines(), 1) if '"rotation"' in part][2]
    with pytest.raises(BadInput, match=rf"walk\.json:{line}: frame 2: rotation must be 3x3 or 4 numbers"):
        read(tmp_path, text)
    line = next(n for n, part in enumerate(text.splitlines(), 1) if '"far"' in part)
    with pytest.raises(BadInput, match=rf"walk\.json:{line}: far must be a distance beyond near"):
        read(tmp_path, text.replace('"far": 9', '"far": 0.1'))


def test_a_file_that_is_no_utf_8_or_no_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "walk.json"
    path.write_bytes(b'{\n"n\xe9ar": 1}')
    with pytest.raises(BadInput, match=r"walk\.json:2: must be UTF-8, got byte 0xe9"):
        CameraPoses.load(path)
    path.write_bytes(json.dumps(FILE).encode("utf-16"))
    with pytest.raises(BadInput, match=r"walk\.json:1: must be UTF-8, got UTF-16"):
        CameraPoses.load(path)
    path.write_bytes(json.dumps(FILE).encode("utf-8-sig"))
    assert CameraPoses.load(path).poses
    path.unlink()
    path.mkdir()
    with pytest.raises(BadInput, match=r"walk\.json must be a file, got a folder"):
        CameraPoses.load(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([*FILE]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*FILE, *POSE, "odd"]), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXTS = st.one_of(
    st.binary(max_size=100),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from([*FILE, "intrinsics"]), VALUES, max_size=3).map(
        lambda changed: json.dumps(FILE | changed).encode()
    ),
    st.dictionaries(st.sampled_from([*POSE, *LENS]), VALUES, max_size=2).map(
        lambda changed: json.dumps(FILE | {"frames": [POSE | changed]}, indent=1).encode()
    ),
)


@settings(max_examples=100)
@given(TEXTS)
def test_any_bytes_give_poses_or_a_message(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.json"
        path.write_bytes(data)
        try:
            found = CameraPoses.load(path)
        except BadInput as error:
            assert str(error).startswith("walk.json:")
        else:
            assert all(
                np.isfinite(pose.matrix).all() and np.isfinite(pose.intrinsics).all() for pose in found.poses.values()
            )


def ways(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value."""
    yield way
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from ways(part, (*way, key))


@given(
    st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_the_line_of_every_value_is_found(value: Any) -> None:
    """With each value on a line of its own, lines follow each other as the values do."""
    text = json.dumps(value, indent=1)
    lines = [find_line(text, way) for way in ways(value)]
    assert lines == sorted(lines)
    assert len(set(lines)) == len(lines)
    for way, line in zip(ways(value), lines, strict=True):
        if way and isinstance(way[-1], str):
            assert text.splitlines()[line - 1].strip().startswith(json.dumps(way[-1]) + ":")
