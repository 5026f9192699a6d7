"""The user's camera poses of a video: `data/cameras/<video>.json`. It may be absent.

    {
      "width": 1920, "height": 1080,                          image size of the intrinsics, pixels
      "near": 0.8, "far": 40,                                 distance of the nearest and the farthest object
      "fx": 1500, "fy": 1500, "cx": 959.5, "cy": 539.5,       or "intrinsics": [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
      "frames": [
        {"frame": 0, "rotation": [1, 0, 0, 0], "translation": [0, 0, 0]},
        {"frame": 1, "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "translation": [0.1, 0, 0], "fx": 1510, ...}
      ]
    }

Rotation (3 x 3, or a quaternion w, x, y, z) and translation map world to camera coordinates; the camera's axes point
right, down and forwards (convention of OpenCV and COLMAP). Distances are in the unit of the translations. Pixel centres
lie at integers as in OpenCV: subtract 0.5 from COLMAP's cx and cy. Intrinsics of a frame override those of the file.
`frame` counts from 0 in data/frames; frames without a pose may be left out as long as none of them gets a map.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self, cast

import numpy as np

from tasks.arrays import Matrix
from tasks.artifacts.artifact import UserInput
from tasks.artifacts.json_lines import find_line, find_repeated_key_line
from tasks.errors import BadInput
from tasks.text import read_text

INTRINSIC_KEYS = ("fx", "fy", "cx", "cy")
FRAME_KEYS = ("frame", "rotation", "translation", "intrinsics", *INTRINSIC_KEYS)
FILE_KEYS = ("width", "height", "near", "far", "frames", "intrinsics", *INTRINSIC_KEYS)
ROTATION_TOLERANCE = (
    1e-3  # largest deviation of R'R from the identity and of a quaternion's length from 1: files hold rounded numbers
)
MAX_NUMBER = 1e12  # of any number: larger ones are errors, and their squares would overflow
MAX_SHOWN = 80  # characters of a value in a message
ASPECT_TOLERANCE = 0.03  # relative deviation of the stated aspect ratio from that of the frames: sizes are rounded


@dataclass(frozen=True, eq=False)
class CameraPose:
    """The camera at one frame."""

    matrix: Matrix
    """(3, 4) rotation and translation, world to camera."""
    intrinsics: Matrix
    """(3, 3) for images of the stated size, pixels."""


@dataclass(frozen=True, eq=False)
class CameraPoses(UserInput):
    """The poses of the user's file, or none without a file."""

    FOLDER: ClassVar[str] = "data/cameras"
    SUFFIX: ClassVar[str] = ".json"

    file: str
    """File name, for messages; "" without a file."""
    width: int = 0
    """Image width of the intrinsics, pixels."""
    height: int = 0
    """Image height of the intrinsics, pixels."""
    near: float = 0.0
    """Distance of the nearest object, in the unit of the translations."""
    far: float = 0.0
    """Distance of the farthest object."""
    poses: Mapping[int, CameraPose] = field(default_factory=dict[int, CameraPose])
    """By frame."""

    @classmethod
    def absent(cls) -> Self:
        """The value for a missing file."""
        return cls("")

    @property
    def given(self) -> bool:
        """Whether there is a file."""
        return bool(self.file)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check the file; BadInput with file, line, frame, key, expected and actual value."""
        text = read_text(path, path.name)
        try:
            values: Any = json.loads(text, object_pairs_hook=_reject_duplicates)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path.name}:{error.lineno}: must be JSON, got {error.msg}") from None
        except _DuplicateKey as error:
            line = find_repeated_key_line(text)
            raise BadInput(
                f"{path.name}:{line}: keys must be given once, got {_format_value(str(error))} again"
            ) from None
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{path.name}:1: must be JSON of numbers and lists, got {error}") from None
        top = _JsonObject(path.name, values, FILE_KEYS, text)
        near, far = top.number("near", least=0), top.number("far", least=0)
        if not near < far:
            raise top.value_error("far", f"a distance beyond near, {near:g}", far)
        return cls(
            file=path.name,
            width=int(top.number("width", least=1)),
            height=int(top.number("height", least=1)),
            near=near,
            far=far,
            poses=_parse_poses(top),
        )

    def scale_poses(self, frames: Sequence[int], height: int, width: int) -> tuple[Matrix, Matrix]:
        """(n, 3, 4) poses and (n, 3, 3) intrinsics of `frames`, for images of `height` and `width`.

        BadInput where there is no file, one of the frames has no pose, or the images have another aspect ratio.
        """
        if not self.given:
            raise BadInput(
                f"{self.FOLDER}/<video>{self.SUFFIX} must be there for a pinhole camera, got no such file; "
                "see data/cameras/README.md, or set fit_field.camera to homography"
            )
        if abs(self.width / self.height * height / width - 1) > ASPECT_TOLERANCE:
            raise BadInput(
                f"{self.file}: width and height must have the frames' proportions, {width}x{height}, got "
                f"{self.width}x{self.height}"
            )
        for frame in frames:
            if frame not in self.poses:
                raise BadInput(f"{self.file}: frames must have one with frame {frame}, got none; add its pose")
        scale = np.array([width / self.width, height / self.height])
        resize = np.diag([*scale, 1.0])
        resize[:2, 2] = (scale - 1) / 2  # pixel centres lie at integers, edges on edges
        found = [self.poses[frame] for frame in frames]
        return np.stack([pose.matrix for pose in found]), np.stack([resize @ pose.intrinsics for pose in found])


class _DuplicateKey(Exception):
    """A repeated key of a JSON object."""


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; _DuplicateKey where a key is repeated: `json` would keep the last value silently."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKey(key)
        found[key] = value
    return found


@dataclass(frozen=True)
class _JsonObject:
    """A JSON object of the file with its path, for validation.

    pydantic would check the types, but not give the line of a key, the name of a frame and one message per kind of
    array, for which its errors would have to be translated one by one.
    """

    file: str
    values: Any
    keys: tuple[str, ...]
    text: str
    """Of the whole file."""
    place: tuple[str | int, ...] = ()
    """Keys and indices that lead to the object."""
    words: str = ""
    """Prefix of messages: the frame that the object describes."""

    def __post_init__(self) -> None:
        if not isinstance(self.values, dict):
            raise self.error(f"must be an object with {', '.join(self.keys)}, got {_format_value(self.values)}")
        for name in cast("dict[str, Any]", self.values):
            if name not in self.keys:
                raise self.error(f"keys must be among {', '.join(self.keys)}, got {_format_value(name)}", name)

    def error(self, words: str, *below: str | int) -> BadInput:
        """BadInput with file, line and prefix."""
        return BadInput(f"{self.file}:{find_line(self.text, (*self.place, *below))}: {self.words}{words}")

    def has(self, *names: str) -> bool:
        return any(name in self.values for name in names)

    def value_error(self, name: str, expected: str, got: object) -> BadInput:
        return self.error(f"{name} must be {expected}, got {_format_value(got)}", name)

    def value(self, name: str, expected: str) -> Any:
        if name not in self.values:
            raise self.error(f"{name} must be given ({expected}), got nothing")
        return self.values[name]

    def number(self, name: str, least: float = -math.inf) -> float:
        expected = "a number" if least == -math.inf else f"a number above {least:g}"
        value = self.value(name, expected)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least < value <= MAX_NUMBER
            or value < -MAX_NUMBER
        ):
            raise self.value_error(name, expected, value)
        return float(value)

    def array(self, name: str, *shapes: tuple[int, ...]) -> Matrix:
        """The numbers of `name`, of one of `shapes`."""
        expected = " or ".join("x".join(map(str, shape)) for shape in shapes) + " numbers"
        value = self.value(name, expected)
        if not _is_numeric(value):
            raise self.value_error(name, expected, value)
        try:
            found = np.array(value, np.float64)
        except (ValueError, OverflowError):
            raise self.value_error(name, expected, value) from None
        if found.shape not in shapes or not (np.abs(found) <= MAX_NUMBER).all():
            raise self.value_error(name, expected, value)
        return found


def _parse_poses(top: _JsonObject) -> dict[int, CameraPose]:
    rows = top.value("frames", "a list of poses")
    if not isinstance(rows, list):
        raise top.value_error("frames", "a list of poses", rows)
    shared = _parse_intrinsics(top) if top.has("intrinsics", *INTRINSIC_KEYS) else None
    found: dict[int, CameraPose] = {}
    for place, row in enumerate(cast("list[Any]", rows)):
        part = _JsonObject(top.file, row, FRAME_KEYS, top.text, ("frames", place), f"frames[{place}]: ")
        frame = part.value("frame", "a frame's number")
        if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
            raise part.value_error("frame", "a whole number from 0 on", frame)
        if frame in found:
            raise part.value_error("frame", "another than those before", frame)
        part = replace(part, words=f"frame {frame}: ")
        own = _parse_intrinsics(part) if shared is None or part.has("intrinsics", *INTRINSIC_KEYS) else shared
        found[frame] = CameraPose(np.column_stack([_parse_rotation(part), part.array("translation", (3,))]), own)
    return found


def _parse_intrinsics(part: _JsonObject) -> Matrix:
    """(3, 3) from `intrinsics`, or from the four numbers."""
    if not part.has("intrinsics"):
        fx, fy, cx, cy = part.number("fx", least=0), part.number("fy", least=0), part.number("cx"), part.number("cy")
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    found = part.array("intrinsics", (3, 3))
    if not (found[0, 0] > 0 and found[1, 1] > 0 and (found[2] == (0, 0, 1)).all() and found[1, 0] == 0):
        raise part.value_error("intrinsics", "[[fx, s, cx], [0, fy, cy], [0, 0, 1]]", found.tolist())
    return found


def _parse_rotation(part: _JsonObject) -> Matrix:
    """(3, 3) from a matrix or a quaternion w, x, y, z."""
    found = part.array("rotation", (3, 3), (4,))
    if found.shape == (4,):
        if abs(float(np.linalg.norm(found)) - 1) > ROTATION_TOLERANCE:
            raise part.value_error("rotation", "a quaternion w, x, y, z of length 1", found.tolist())
        w, x, y, z = found / np.linalg.norm(found)
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        return np.eye(3) + 2 * (w * cross + cross @ cross)  # Rodrigues, in half angles
    if np.abs(found.T @ found - np.eye(3)).max() > ROTATION_TOLERANCE or np.linalg.det(found) < 0:
        raise part.value_error("rotation", "a rotation: orthonormal, determinant 1", found.tolist())
    return found


def _is_numeric(value: Any) -> bool:
    """Whether nested lists contain numbers only."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, bool) or not isinstance(part, int | float):
            return False
    return True


def _format_value(value: object) -> str:
    try:
        return "nothing" if value is None else json.dumps(value)[:MAX_SHOWN]
    except RecursionError:
        return "lists in lists without end"
