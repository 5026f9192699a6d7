"""Orientation of decoded frames for display, by the display matrix that files carry."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees
from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame

RIGHT_ANGLE_TOLERANCE = 1.0  # degrees


def _name_unknown_type(cls: type[Type], value: object) -> Type:
    """A member of PyAV's table of side data for a number that only FFmpeg knows."""
    member = object.__new__(cls)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return cls._value2member_map_.setdefault(value, member)  # pyright: ignore[reportReturnType]


# PyAV's table is behind FFmpeg's (EXIF of camera JPEGs is 31), and one unknown number makes all side data unreadable.
cast("Any", Type)._missing_ = classmethod(_name_unknown_type)


@dataclass(frozen=True)
class Orientation:
    """Orientation for display: first mirrored left to right, then rotated clockwise."""

    mirrored: bool
    turn_deg: int
    """0, 90, 180 or 270."""
    asked_deg: float
    """Rotation stated by the file; differs from `turn_deg` where it is no right angle."""

    @property
    def is_right_angle(self) -> bool:
        """Whether the rotation that the file states is `turn_deg`."""
        off = abs(self.asked_deg - self.turn_deg)
        return min(off, 360 - off) <= RIGHT_ANGLE_TOLERANCE

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return self.turn_deg in (90, 270)


def read_orientation(picture: VideoFrame) -> Orientation:
    """Orientation by the display matrix, to the nearest right angle.

    The matrix maps (x, y) to (a x + c y, b x + d y), y downwards, so atan2(b, a) is clockwise.
    """
    side_data = cast("dict[Type, Any]", picture.side_data)
    if Type.DISPLAYMATRIX not in side_data:
        return Orientation(False, 0, 0.0)
    a, b, _, c, d = np.frombuffer(bytes(side_data[Type.DISPLAYMATRIX]), np.int32)[:5].astype(float)
    mirrored = a * d - b * c < 0
    asked = degrees(atan2(-b, -a) if mirrored else atan2(b, a)) % 360
    return Orientation(bool(mirrored), round(asked / 90) % 4 * 90, asked)
