"""What figures do: each motion is a function of time with speed, size, phase and side drawn anew for every clip.

Shapes of the curves follow gait and exercise textbooks roughly (Winter, 2009: hip ±25 degrees, knee up to 60 in the
swing); they need to be told apart by their motion, not to convince an anatomist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tasks.synthetic.figures.skeleton import Limb, Pose, Series

Random = np.random.Generator
Motion = Callable[[Series, Random], Pose]
"""(t,) seconds and random numbers to a pose per second."""


def _deg(value: float) -> float:
    return float(np.radians(value))


@dataclass(frozen=True)
class Idle:
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

    def arm(self) -> Limb:
        """Hanging, a little bent."""
        flexion = self.wander(4) + _deg(self.random.uniform(-8, 8))
        abduction = self.wander(3) + _deg(self.random.uniform(4, 14))
        return Limb(flexion, abduction, flexion + _deg(self.random.uniform(5, 25)), 0.6 * abduction)

    def held_arm(self) -> Limb:
        """Held still in any position: raised, stretched out, on the hip."""
        upper, lower = self.random.uniform([-20, 5], [120, 130]), self.random.uniform([0, -20], [150, 150])
        return Limb(
            self.series(_deg(upper[0])) + self.wander(2), self.series(_deg(upper[1])) + self.wander(2),
            self.series(_deg(lower[0])) + self.wander(2), self.series(_deg(lower[1])) + self.wander(2),
        )  # fmt: skip

    def leg(self) -> Limb:
        """Straight, feet a little apart."""
        apart = _deg(self.random.uniform(1, 7))
        flexion = self.wander(1) + _deg(self.random.uniform(-3, 6))
        return Limb(flexion, self.series(apart), flexion - _deg(self.random.uniform(1, 6)), self.series(apart))

    def pose(self) -> Pose:
        """Standing."""
        nothing = self.series()
        return Pose(
            (self.arm(), self.arm()), (self.leg(), self.leg()), self.wander(2) + _deg(self.random.uniform(-2, 4)),
            self.wander(2), self.wander(6), nothing, nothing,
        )  # fmt: skip


def gait(t: Series, random: Random, phase: Series, *, run: bool) -> Pose:
    """A body in the gait cycle at `phase` (radians, 2 pi being two steps), on the spot."""
    idle = Idle(t, random)
    swing = _deg(random.uniform(36, 50) if run else random.uniform(20, 30))
    bend = _deg(random.uniform(80, 110) if run else random.uniform(45, 65))
    elbow = _deg(random.uniform(70, 100) if run else random.uniform(10, 35))
    arms = _deg(random.uniform(30, 50) if run else random.uniform(12, 32))

    def leg(shift: float) -> Limb:
        at = phase + shift
        flexion = swing * np.sin(at) + _deg(12 if run else 4)
        knee = _deg(8) + bend * np.maximum(0, np.cos(at + 0.35)) ** 2
        still = idle.leg()
        return Limb(flexion, still.abduction, flexion - knee, still.lower_abduction)

    def arm(shift: float) -> Limb:
        flexion = arms * np.sin(phase + shift)
        still = idle.arm()
        return Limb(flexion, still.abduction, flexion + elbow, still.lower_abduction)

    bounce = (0.04 if run else 0.008) * (1 - np.cos(2 * phase)) / 2
    lean = idle.wander(1) + _deg(random.uniform(6, 14) if run else random.uniform(-1, 5))
    pose = idle.pose()
    return replace(pose, arms=(arm(np.pi), arm(0.0)), legs=(leg(0.0), leg(np.pi)), lean=lean, air=bounce)


def _cadence(t: Series, random: Random, slowest: float, fastest: float) -> Series:
    """A phase that runs on steadily, cycles per second drawn between the two."""
    return 2 * np.pi * (random.uniform(slowest, fastest) * t + random.uniform())


def _travelling(pose: Pose, phase: Series, random: Random, stride: float) -> Pose:
    """The same with the way that the feet make, or (on a treadmill, or with the camera along) on the spot."""
    way = stride * random.uniform(0.85, 1.15) * (phase - phase[0]) / (2 * np.pi)
    return replace(pose, advance=way) if random.random() < 0.6 else pose


def walk(t: Series, random: Random) -> Pose:
    """Two steps per cycle, heel to toe."""
    phase = _cadence(t, random, 0.7, 1.15)
    return _travelling(gait(t, random, phase, run=False), phase, random, 0.8)


def run(t: Series, random: Random) -> Pose:
    """Longer strides, bent elbows, a moment in the air."""
    phase = _cadence(t, random, 1.25, 1.7)
    return _travelling(gait(t, random, phase, run=True), phase, random, 1.5)


def stand(t: Series, random: Random) -> Pose:
    """On the spot, the arms anywhere but still."""
    idle = Idle(t, random)
    arms = tuple(idle.held_arm() if random.random() < 0.4 else idle.arm() for _ in range(2))
    return replace(idle.pose(), arms=(arms[0], arms[1]))


def jump(t: Series, random: Random) -> Pose:
    """Up and down on the spot: bend, fly, land."""
    idle = Idle(t, random)
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
    legs = tuple(Limb(bend, leg.abduction, -bend, leg.lower_abduction) for leg in pose.legs)
    arms = tuple(Limb(up - 0.5 * bend, idle.series(out), up + _deg(20), idle.series(out)) for _ in range(2))
    return replace(pose, legs=(legs[0], legs[1]), arms=(arms[0], arms[1]), lean=0.7 * bend, air=air)


def wave(t: Series, random: Random) -> Pose:
    """One hand raised, the forearm swinging sideways."""
    idle = Idle(t, random)
    swing = np.sin(_cadence(t, random, 1.1, 2.6))
    upper, lower = _deg(random.uniform(70, 140)), _deg(random.uniform(140, 180))
    size = _deg(random.uniform(18, 40))
    forward = _deg(random.uniform(-10, 50))
    arm = Limb(idle.series(forward), upper + 0.25 * size * swing, idle.series(forward), lower + size * swing)
    return replace(idle.pose(), arms=_one(idle.arm(), arm, random))


def clap(t: Series, random: Random) -> Pose:
    """Both hands in front, together and apart."""
    idle = Idle(t, random)
    apart = (1 + np.sin(_cadence(t, random, 1.3, 3.0))) / 2
    size = _deg(random.uniform(25, 50))
    raised, bent = _deg(random.uniform(20, 60)), _deg(random.uniform(70, 110))
    arm = Limb(idle.series(raised), _deg(8) + 0.5 * size * apart, idle.series(bent), _deg(-38) + size * apart)
    return replace(idle.pose(), arms=(arm, arm))


def squat(t: Series, random: Random) -> Pose:
    """Down and up, knees bent."""
    idle = Idle(t, random)
    down = (1 - np.cos(_cadence(t, random, 0.35, 0.75))) / 2
    deep = _deg(random.uniform(65, 105))
    reach = _deg(random.uniform(0, 90))
    pose = idle.pose()
    legs = tuple(
        Limb(deep * down, leg.abduction + 0.15 * down, -0.8 * deep * down, leg.lower_abduction) for leg in pose.legs
    )
    arm = Limb(
        reach * down + 0.5 * deep * down, idle.series(_deg(8)), reach * down + 0.5 * deep * down + 0.2, idle.series()
    )
    return replace(pose, legs=(legs[0], legs[1]), arms=(arm, arm), lean=0.4 * deep * down)


def spin(t: Series, random: Random) -> Pose:
    """Turning about the vertical, small steps below."""
    idle = Idle(t, random)
    rate = random.uniform(0.45, 1.1) * random.choice([-1, 1])
    pose = gait(t, random, _cadence(t, random, 0.8, 1.6), run=False)
    legs = tuple(replace(leg, flexion=0.4 * leg.flexion, lower_flexion=0.4 * leg.lower_flexion) for leg in pose.legs)
    arm = idle.held_arm() if random.random() < 0.5 else idle.arm()
    return replace(pose, arms=(arm, arm), legs=(legs[0], legs[1]), turn=2 * np.pi * rate * t)


def kick(t: Series, random: Random) -> Pose:
    """One leg back, then forward and up, again and again."""
    idle = Idle(t, random)
    period = random.uniform(0.8, 1.4)
    share = (t / period + random.uniform()) % 1
    high = _deg(random.uniform(55, 110))
    flexion = np.interp(share, [0, 0.2, 0.42, 0.6, 0.85, 1], [0, _deg(-30), high, 0.8 * high, 0, 0])
    knee = np.interp(share, [0, 0.2, 0.34, 0.45, 0.65, 0.85, 1], np.radians([5, 60, 75, 8, 25, 8, 5]))
    pose = idle.pose()
    leg = Limb(flexion, pose.legs[0].abduction, flexion - knee, pose.legs[0].lower_abduction)
    arm = Limb(-0.4 * flexion, idle.series(_deg(random.uniform(10, 45))), -0.3 * flexion + 0.4, idle.series(_deg(15)))
    return replace(pose, legs=_one(pose.legs[1], leg, random), arms=(arm, arm), lean=-0.15 * flexion)


def bow(t: Series, random: Random) -> Pose:
    """The trunk forward and up again."""
    idle = Idle(t, random)
    down = (1 - np.cos(_cadence(t, random, 0.3, 0.65))) / 2
    pose = idle.pose()
    hang = random.uniform(0, 1)
    lean = _deg(random.uniform(45, 85)) * down
    arms = tuple(
        replace(arm, flexion=arm.flexion + hang * lean, lower_flexion=arm.lower_flexion + hang * lean)
        for arm in pose.arms
    )
    return replace(pose, lean=lean, arms=(arms[0], arms[1]))


def _one(other: Limb, limb: Limb, random: Random) -> tuple[Limb, Limb]:
    """`limb` on a side that is drawn, `other` opposite."""
    return (limb, other) if random.random() < 0.5 else (other, limb)


def tempo(way: Callable[[Series, Random], Series]) -> Motion:
    """The walking body at a phase that `way` gives: the same poses for any way, in another order."""

    def motion(t: Series, random: Random) -> Pose:
        return gait(t, random, 2 * np.pi * random.uniform() + way(t, random), run=False)

    return motion


def _steady(slowest: float, fastest: float) -> Callable[[Series, Random], Series]:
    return lambda t, random: 2 * np.pi * random.uniform(slowest, fastest) * t


def _trembling(t: Series, random: Random) -> Series:
    """A small part of the cycle, several times a second."""
    return 0.45 * np.sin(_cadence(t, random, 3.2, 4.0))


def _to_and_fro(t: Series, random: Random) -> Series:
    """A quarter of the cycle and back, fast enough that a stack of ten fields sees it turn round."""
    return 0.8 * np.sin(_cadence(t, random, 1.5, 2.0))


MOTIONS: dict[str, Motion] = {
    "bow": bow, "clap": clap, "jump": jump, "kick": kick, "run": run, "spin": spin, "squat": squat, "stand": stand,
    "walk": walk, "wave": wave,
}  # fmt: skip
"""What the shipped model tells apart."""
TEMPI: dict[str, Motion] = {
    "hold": tempo(_steady(0, 0)),
    "slow": tempo(_steady(0.35, 0.5)),
    "fast": tempo(_steady(1.1, 1.4)),
    "backwards": tempo(_steady(-1.4, -1.1)),
    "to and fro": tempo(_to_and_fro),
}
"""Motions that no single picture tells apart: one gait cycle, its phase uniform at any time, run through otherwise."""
UNTRAINED: dict[str, Motion] = {"tremble": tempo(_trembling)}
"""A further way through the cycle, which the shipped network has not been trained on."""
EVERY_MOTION = MOTIONS | TEMPI | UNTRAINED
