"""Forward kinematics of a figure: joint angles over time to joint positions over time.

Lengths are shares of body height, from Drillis and Contini's table (Winter, "Biomechanics and Motor Control of Human
Movement", 2009, figure 4.1). Axes of the body: x forward, y to its left, z up, the ground at z = 0. Both halves of a
limb have two angles of their own, flexion (forward and up) and abduction (sideways and up), both 0 hanging straight
down, in radians.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]
"""(t,) a value per frame."""
SIDES = (1.0, -1.0)
"""Left and right: the sign of y."""
TRUNK, UPPER_ARM, FOREARM, THIGH, SHANK, FOOT = 0.288, 0.186, 0.2, 0.245, 0.246, 0.11  # the forearm with half a hand
NECK, HEAD = 0.075, 0.055  # from the chest to the middle of the jaw, and on to that of the skull
SHOULDER, HIP = 0.129, 0.08  # half of the breadth; hips at the joints, not at the outline


@dataclass(frozen=True)
class LimbAngles:
    """Angles of an arm or a leg, upper and lower half."""

    flexion: Series
    abduction: Series
    lower_flexion: Series
    lower_abduction: Series


@dataclass(frozen=True)
class BodyAngles:
    """All angles of a body over t frames."""

    arms: tuple[LimbAngles, LimbAngles]
    """Left, right; relative to the trunk."""
    legs: tuple[LimbAngles, LimbAngles]
    """Left, right; relative to the vertical."""
    lean: Series
    """Of the trunk, forward."""
    sway: Series
    """Of the trunk, to the left."""
    turn: Series
    """Of the whole body about the vertical, to the left."""
    air: Series
    """Height of the lower foot above the ground, in body heights."""
    advance: Series
    """Forward travel, in body heights."""


@dataclass(frozen=True)
class BodyBuild:
    """Proportions of a body relative to the average."""

    legs: float = 1.0
    """Length of the legs against the table."""
    arms: float = 1.0
    """Length of the arms."""
    breadth: float = 1.0
    """Breadth of shoulders and hips."""
    girth: float = 1.0
    """Thickness of all parts."""
    head: float = 1.0
    """Size of the head."""


@dataclass(frozen=True)
class JointPositions:
    """(t, 3) joint positions in body heights, with rotation and travel of the body; pairs are left, right."""

    pelvis: NDArray[np.float64]
    chest: NDArray[np.float64]
    neck: NDArray[np.float64]
    crown: NDArray[np.float64]
    shoulders: tuple[NDArray[np.float64], ...]
    elbows: tuple[NDArray[np.float64], ...]
    hands: tuple[NDArray[np.float64], ...]
    hips: tuple[NDArray[np.float64], ...]
    knees: tuple[NDArray[np.float64], ...]
    ankles: tuple[NDArray[np.float64], ...]
    toes: tuple[NDArray[np.float64], ...]
    turn: Series = field(repr=False)
    """Rotation of the body and its texture about the vertical, radians."""


def compute_joints(pose: BodyAngles, build: BodyBuild) -> JointPositions:
    """Joint positions, the lower foot `pose.air` above the ground."""
    lean, sway = pose.lean, pose.sway
    up = np.stack([np.sin(lean) * np.cos(sway), np.sin(sway), np.cos(lean) * np.cos(sway)], axis=1)
    pelvis = np.zeros_like(up)
    chest = pelvis + TRUNK * up
    neck = chest + NECK * up
    left = np.array([0.0, 1.0, 0.0])
    shoulders = tuple(chest + side * SHOULDER * build.breadth * left for side in SIDES)
    hips = tuple(pelvis + side * HIP * build.breadth * left for side in SIDES)
    elbows, hands, knees, ankles, toes = [], [], [], [], []
    for side, arm, shoulder in zip(SIDES, pose.arms, shoulders, strict=True):
        elbows.append(shoulder + build.arms * UPPER_ARM * _limb_direction(arm.flexion - lean, arm.abduction, side))
        hands.append(
            elbows[-1] + build.arms * FOREARM * _limb_direction(arm.lower_flexion - lean, arm.lower_abduction, side)
        )
    for side, leg, hip in zip(SIDES, pose.legs, hips, strict=True):
        knees.append(hip + build.legs * THIGH * _limb_direction(leg.flexion, leg.abduction, side))
        ankles.append(knees[-1] + build.legs * SHANK * _limb_direction(leg.lower_flexion, leg.lower_abduction, side))
        toes.append(ankles[-1] + FOOT * _limb_direction(leg.lower_flexion + np.pi / 2, np.zeros_like(lean), side))
    lowest = np.min([foot[:, 2] for foot in (*ankles, *toes)], axis=0)
    lift = np.stack([np.zeros_like(lowest), np.zeros_like(lowest), pose.air - lowest], axis=1)
    forward = pose.advance[:, None] * np.array([1.0, 0.0, 0.0])

    def to_world(point: NDArray[np.float64]) -> NDArray[np.float64]:
        return _rotate_vertical(point + lift + forward, pose.turn)

    def pair_to_world(
        points: tuple[NDArray[np.float64], ...] | list[NDArray[np.float64]],
    ) -> tuple[NDArray[np.float64], ...]:
        return tuple(to_world(point) for point in points)

    crown = to_world(neck + HEAD * build.head * up)
    return JointPositions(
        pelvis=to_world(pelvis),
        chest=to_world(chest),
        neck=to_world(neck),
        crown=crown,
        shoulders=pair_to_world(shoulders),
        elbows=pair_to_world(elbows),
        hands=pair_to_world(hands),
        hips=pair_to_world(hips),
        knees=pair_to_world(knees),
        ankles=pair_to_world(ankles),
        toes=pair_to_world(toes),
        turn=pose.turn,
    )


def _limb_direction(flexion: Series, abduction: Series, side: float) -> NDArray[np.float64]:
    """(t, 3) unit vectors of a limb: down, swung forward by `flexion`, then out by `abduction`."""
    return np.stack(
        [
            np.sin(flexion) * np.cos(abduction),
            side * np.sin(abduction) * np.ones_like(flexion),
            -np.cos(flexion) * np.cos(abduction),
        ],
        axis=1,
    )


def _rotate_vertical(points: NDArray[np.float64], angle: Series) -> NDArray[np.float64]:
    """(t, 3) points rotated about the vertical."""
    x, y, z = points.T
    return np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z], axis=1)
