"""What figures do: each motion is a function of time with speed, size, phase and side drawn anew for every clip.

Shapes of the curves follow gait and exercise textbooks roughly (Winter, 2009: hip ±25 degrees, knee up to 60 in the
swing); they need to be told apart by their motion, not to convince an anatomist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tasks.synthetic.figures.figure_skeleton import BodyAngles, LimbAngles, Series

Random = np.random.Generator
MotionFunction = Callable[[Series, Random], BodyAngles]
"""(t,) seconds and random numbers to a pose per second."""


def _deg(value: float) -> float:
    return float(np.radians(value))


@dataclass(frozen=True)
class IdleFigure:
    """Somebody who just is there, whom a motion changes in some respects."""

    t: Series
    random: Random

    def series(self, value: float = 0.0) -> Series:
        """A constant."""
        return np.full_like(self.t, value)

    def wander(self, degrees: float) -> Series:
        """Slow unrest of about this size, radians."""
        frequency, phase = self.random.uniform(0.1, 0.5, 3), self.random.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * np.outer(self.t, frequency) + phase)
        return _deg(degrees) * waves.mean(axis=1)

    def arm(self) -> LimbAngles:
        """Hanging, a little bent."""
        flexion = self.wander(4) + _deg(self.random.uniform(-8, 8))
        abduction = self.wander(3) + _deg(self.random.uniform(4, 14))
        return LimbAngles(flexion, abduction, flexion + _deg(self.random.uniform(5, 25)), 0.6 * abduction)

    def held_arm(self) -> LimbAngles:
        """Held still in any position: raised, stretched out, on the hip."""
        upper, lower = self.random.uniform([-20, 5], [120, 130]), self.random.uniform([0, -20], [150, 150])
        return LimbAngles(
            self.series(_deg(upper[0])) + self.wander(2), self.series(_deg(upper[1])) + self.wander(2),
            self.series(_deg(lower[0])) + self.wander(2), self.series(_deg(lower[1])) + self.wander(2),
        )  # fmt: skip

    def leg(self) -> LimbAngles:
        """Straight, feet a little apart."""
        apart = _deg(self.random.uniform(1, 7))
        flexion = self.wander(1) + _deg(self.random.uniform(-3, 6))
        return LimbAngles(flexion, self.series(apart), flexion - _deg(self.random.uniform(1, 6)), self.series(apart))

    def pose(self) -> BodyAngles:
        """Standing."""
        nothing = self.series()
        return BodyAngles(
            (self.arm(), self.arm()), (self.leg(), self.leg()), self.wander(2) + _deg(self.random.uniform(-2, 4)),
            self.wander(2), self.wander(6), nothing, nothing,
        )  # fmt: skip


def make_gait(t: Series, random: Random, phase: Series, *, run: bool) -> BodyAngles:
    """A body in the gait cycle at `phase` (radians, 2 pi being two steps), on the spot."""
    idle = IdleFigure(t, random)
    swing = _deg(random.uniform(36, 50) if run else random.uniform(20, 30))
    bend = _deg(random.uniform(80, 110) if run else random.uniform(45, 65))
    elbow = _deg(random.uniform(70, 100) if run else random.uniform(10, 35))
    arms = _deg(random.uniform(30, 50) if run else random.uniform(12, 32))

    def leg(shift: float) -> LimbAngles:
        at = phase + shift
        flexion = swing * np.sin(at) + _deg(12 if run else 4)
        knee = _deg(8) + bend * np.maximum(0, np.cos(at + 0.35)) ** 2
        still = idle.leg()
        return LimbAngles(flexion, still.abduction, flexion - knee, still.lower_abduction)

    def arm(shift: float) -> LimbAngles:
        flexion = arms * np.sin(phase + shift)
        still = idle.arm()
        return LimbAngles(flexion, still.abduction, flexion + elbow, still.lower_abduction)

    bounce = (0.04 if run else 0.008) * (1 - np.cos(2 * phase)) / 2
    lean = idle.wander(1) + _deg(random.uniform(6, 14) if run else random.uniform(-1, 5))
    pose = idle.pose()
    return replace(pose, arms=(arm(np.pi), arm(0.0)), legs=(leg(0.0), leg(np.pi)), lean=lean, air=bounce)


def _draw_phase(t: Series, random: Random, slowest: float, fastest: float) -> Series:
    """A phase that runs on steadily, cycles per second drawn between the two."""
    return 2 * np.pi * (random.uniform(slowest, fastest) * t + random.uniform())


def _add_travel(pose: BodyAngles, phase: Series, random: Random, stride: float) -> BodyAngles:
    """The same with the way that the feet make, or (on a treadmill, or with the camera along) on the spot."""
    way = stride * random.uniform(0.85, 1.15) * (phase - phase[0]) / (2 * np.pi)
    return replace(pose, advance=way) if random.random() < 0.6 else pose


def animate_walk(t: Series, random: Random) -> BodyAngles:
    """Two steps per cycle, heel to toe."""
    phase = _draw_phase(t, random, 0.7, 1.15)
    return _add_travel(make_gait(t, random, phase, run=False), phase, random, 0.8)


def animate_run(t: Series, random: Random) -> BodyAngles:
    """Longer strides, bent elbows, a moment in the air."""
    phase = _draw_phase(t, random, 1.25, 1.7)
    return _add_travel(make_gait(t, random, phase, run=True), phase, random, 1.5)


def animate_stand(t: Series, random: Random) -> BodyAngles:
    """On the spot, the arms anywhere but still."""
    idle = IdleFigure(t, random)
    arms = tuple(idle.held_arm() if random.random() < 0.4 else idle.arm() for _ in range(2))
    return replace(idle.pose(), arms=(arms[0], arms[1]))


def animate_jump(t: Series, random: Random) -> BodyAngles:
    """Up and down on the spot: bend, fly, land."""
    idle = IdleFigure(t, random)
    period = random.uniform(0.7, 1.2)
    share = (t / period + random.uniform()) % 1
    flying = np.clip((share - 0.4) / 0.4, 0, 1)
    air = random.uniform(0.12, 0.3) * 4 * flying * (1 - flying)
    crouch = np.where(share < 0.4, np.sin(np.pi * share / 0.4), 0) + 0.5 * np.maximum(
        0, np.sin(np.pi * (share - 0.8) / 0.4)
    )
    bend = _deg(random.uniform(30, 55)) * crouch
    up = _deg(random.uniform(20, 140)) * np.where(share < 0.4, 0, np.sin(np.pi * flying))
    out = _deg(random.uniform(5, 30))
    pose = idle.pose()
    legs = tuple(LimbAngles(bend, leg.abduction, -bend, leg.lower_abduction) for leg in pose.legs)
    arms = tuple(LimbAngles(up - 0.5 * bend, idle.series(out), up + _deg(20), idle.series(out)) for _ in range(2))
    return replace(pose, legs=(legs[0], legs[1]), arms=(arms[0], arms[1]), lean=0.7 * bend, air=air)


def animate_wave(t: Series, random: Random) -> BodyAngles:
    """One hand raised, the forearm swinging sideways."""
    idle = IdleFigure(t, random)
    swing = np.sin(_draw_phase(t, random, 1.1, 2.6))
    upper, lower = _deg(random.uniform(70, 140)), _deg(random.uniform(140, 180))
    size = _deg(random.uniform(18, 40))
    forward = _deg(random.uniform(-10, 50))
    arm = LimbAngles(idle.series(forward), upper + 0.25 * size * swing, idle.series(forward), lower + size * swing)
    return replace(idle.pose(), arms=_on_random_side(idle.arm(), arm, random))


def animate_clap(t: Series, random: Random) -> BodyAngles:
    """Both hands in front, together and apart."""
    idle = IdleFigure(t, random)
    apart = (1 + np.sin(_draw_phase(t, random, 1.3, 3.0))) / 2
    size = _deg(random.uniform(25, 50))
    raised, bent = _deg(random.uniform(20, 60)), _deg(random.uniform(70, 110))
    arm = LimbAngles(idle.series(raised), _deg(8) + 0.5 * size * apart, idle.series(bent), _deg(-38) + size * apart)
    return replace(idle.pose(), arms=(arm, arm))


def animate_squat(t: Series, random: Random) -> BodyAngles:
    """Down and up, knees bent."""
    idle = IdleFigure(t, random)
    down = (1 - np.cos(_draw_phase(t, random, 0.35, 0.75))) / 2
    deep = _deg(random.uniform(65, 105))
    reach = _deg(random.uniform(0, 90))
    pose = idle.pose()
    legs = tuple(
        LimbAngles(deep * down, leg.abduction + 0.15 * down, -0.8 * deep * down, leg.lower_abduction)
        for leg in pose.legs
    )
    arm = LimbAngles(
        reach * down + 0.5 * deep * down, idle.series(_deg(8)), reach * down + 0.5 * deep * down + 0.2, idle.series()
    )
    return replace(pose, legs=(legs[0], legs[1]), arms=(arm, arm), lean=0.4 * deep * down)


def animate_spin(t: Series, random: Random) -> BodyAngles:
    """Turning about the vertical, small steps below."""
    idle = IdleFigure(t, random)
    rate = random.uniform(0.45, 1.1) * random.choice([-1, 1])
    pose = make_gait(t, random, _draw_phase(t, random, 0.8, 1.6), run=False)
    legs = tuple(replace(leg, flexion=0.4 * leg.flexion, lower_flexion=0.4 * leg.lower_flexion) for leg in pose.legs)
    arm = idle.held_arm() if random.random() < 0.5 else idle.arm()
    return replace(pose, arms=(arm, arm), legs=(legs[0], legs[1]), turn=2 * np.pi * rate * t)


def animate_kick(t: Series, random: Random) -> BodyAngles:
    """One leg back, then forward and up, again and again."""
    idle = IdleFigure(t, random)
    period = random.uniform(0.8, 1.4)
    share = (t / period + random.uniform()) % 1
    high = _deg(random.uniform(55, 110))
    flexion = np.interp(share, [0, 0.2, 0.42, 0.6, 0.85, 1], [0, _deg(-30), high, 0.8 * high, 0, 0])
    knee = np.interp(share, [0, 0.2, 0.34, 0.45, 0.65, 0.85, 1], np.radians([5, 60, 75, 8, 25, 8, 5]))
    pose = idle.pose()
    leg = LimbAngles(flexion, pose.legs[0].abduction, flexion - knee, pose.legs[0].lower_abduction)
    arm = LimbAngles(
        -0.4 * flexion, idle.series(_deg(random.uniform(10, 45))), -0.3 * flexion + 0.4, idle.series(_deg(15))
    )
    return replace(pose, legs=_on_random_side(pose.legs[1], leg, random), arms=(arm, arm), lean=-0.15 * flexion)


def animate_bow(t: Series, random: Random) -> BodyAngles:
    """The trunk forward and up again."""
    idle = IdleFigure(t, random)
    down = (1 - np.cos(_draw_phase(t, random, 0.3, 0.65))) / 2
    pose = idle.pose()
    hang = random.uniform(0, 1)
    lean = _deg(random.uniform(45, 85)) * down
    arms = tuple(
        replace(arm, flexion=arm.flexion + hang * lean, lower_flexion=arm.lower_flexion + hang * lean)
        for arm in pose.arms
    )
    return replace(pose, lean=lean, arms=(arms[0], arms[1]))


def _on_random_side(other: LimbAngles, limb: LimbAngles, random: Random) -> tuple[LimbAngles, LimbAngles]:
    """`limb` on a side that is drawn, `other` opposite."""
    return (limb, other) if random.random() < 0.5 else (other, limb)


def make_tempo_motion(way: Callable[[Series, Random], Series]) -> MotionFunction:
    """The walking body at a phase that `way` gives: the same poses for any way, in another order."""

    def motion(t: Series, random: Random) -> BodyAngles:
        return make_gait(t, random, 2 * np.pi * random.uniform() + way(t, random), run=False)

    return motion


def _steady_phase(slowest: float, fastest: float) -> Callable[[Series, Random], Series]:
    return lambda t, random: 2 * np.pi * random.uniform(slowest, fastest) * t


def _trembling_phase(t: Series, random: Random) -> Series:
    """A small part of the cycle, several times a second."""
    return 0.45 * np.sin(_draw_phase(t, random, 3.2, 4.0))


def _oscillating_phase(t: Series, random: Random) -> Series:
    """A quarter of the cycle and back, fast enough that a stack of ten fields sees it turn round."""
    return 0.8 * np.sin(_draw_phase(t, random, 1.5, 2.0))


MOTIONS: dict[str, MotionFunction] = {
    "bow": animate_bow,
    "clap": animate_clap,
    "jump": animate_jump,
    "kick": animate_kick,
    "run": animate_run,
    "spin": animate_spin,
    "squat": animate_squat,
    "stand": animate_stand,
    "walk": animate_walk,
    "wave": animate_wave,
}
"""The actions that the pretrained model distinguishes."""
TEMPI: dict[str, MotionFunction] = {
    "hold": make_tempo_motion(_steady_phase(0, 0)),
    "slow": make_tempo_motion(_steady_phase(0.35, 0.5)),
    "fast": make_tempo_motion(_steady_phase(1.1, 1.4)),
    "backwards": make_tempo_motion(_steady_phase(-1.4, -1.1)),
    "to and fro": make_tempo_motion(_oscillating_phase),
}
"""Motions that no single picture tells apart: one gait cycle, its phase uniform at any time, run through otherwise."""
UNTRAINED: dict[str, MotionFunction] = {"tremble": make_tempo_motion(_trembling_phase)}
"""A further variation of the cycle, which the pretrained network has not been trained on."""
EVERY_MOTION = MOTIONS | TEMPI | UNTRAINED
