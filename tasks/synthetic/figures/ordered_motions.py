"""Motions of figures that differ in the order of their poses alone: a gait cycle in several ways, a throw and a catch.

At any moment the pose is as likely in each of them, so that a single image does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tasks.synthetic.figures.figure_motions import (
    MOTIONS,
    IdleFigure,
    MotionFunction,
    Random,
    deg,
    draw_phase,
    make_gait,
    on_random_side,
)
from tasks.synthetic.figures.figure_skeleton import BodyAngles, LimbAngles, Series


def make_throwing_motion(sense: int) -> MotionFunction:
    """One arm slowly back, fast forward and down again, repeatedly; with `sense` -1 the same backwards, as in catching.

    The phase at the start is random: a single image is as likely in either sense.
    """

    def motion(t: Series, random: Random) -> BodyAngles:
        idle = IdleFigure(t, random)
        share = (sense * t / random.uniform(0.9, 1.3) + random.uniform()) % 1
        size = random.uniform(0.8, 1.2)
        upper = size * np.interp(share, [0, 0.5, 0.65, 0.8, 1], np.radians([10, -60, 100, 70, 10]))
        elbow = np.interp(share, [0, 0.5, 0.65, 0.8, 1], np.radians([30, 95, 10, 15, 30]))
        out = idle.constant_series(deg(random.uniform(3, 20)))
        pose = idle.standing_pose()
        arms = on_random_side(idle.hanging_arm(), LimbAngles(upper, out, upper + elbow, out), random)
        return replace(pose, arms=arms, lean=pose.lean + 0.1 * upper)

    return motion


def make_tempo_motion(way: Callable[[Series, Random], Series]) -> MotionFunction:
    """The gait cycle at the phase that `way` returns: the same poses for any `way`, in another order."""

    def motion(t: Series, random: Random) -> BodyAngles:
        return make_gait(t, random, 2 * np.pi * random.uniform() + way(t, random), run=False)

    return motion


def _steady_phase(slowest: float, fastest: float) -> Callable[[Series, Random], Series]:
    return lambda t, random: 2 * np.pi * random.uniform(slowest, fastest) * t


def _trembling_phase(t: Series, random: Random) -> Series:
    """A small part of the cycle forth and back, several times per second."""
    return 0.45 * np.sin(draw_phase(t, random, 3.2, 4.0))


def _oscillating_phase(t: Series, random: Random) -> Series:
    """A quarter of the cycle forth and back, fast enough to reverse within a stack of ten flow fields."""
    return 0.8 * np.sin(draw_phase(t, random, 1.5, 2.0))


TEMPI: dict[str, MotionFunction] = {
    "hold": make_tempo_motion(_steady_phase(0, 0)),
    "slow": make_tempo_motion(_steady_phase(0.35, 0.5)),
    "fast": make_tempo_motion(_steady_phase(1.1, 1.4)),
    "backwards": make_tempo_motion(_steady_phase(-1.4, -1.1)),
    "to and fro": make_tempo_motion(_oscillating_phase),
}
"""Motions that cannot be distinguished in a single image: one gait cycle with different phase functions."""
UNTRAINED: dict[str, MotionFunction] = {"tremble": make_tempo_motion(_trembling_phase)}
"""A phase function on which the pretrained network was not trained."""
SENSES: dict[str, MotionFunction] = {"throw": make_throwing_motion(1), "catch": make_throwing_motion(-1)}
"""A motion in both senses of time, on which it was not trained either."""
EVERY_MOTION = MOTIONS | TEMPI | UNTRAINED | SENSES
