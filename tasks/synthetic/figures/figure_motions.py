"""Motions of figures: body angles as functions of time, with random speed, amplitude, phase and side per clip.

The curves follow gait and exercise textbooks roughly (Winter, 2009: hip ±25 degrees, knee up to 60 in the swing); they
have to be distinguishable by motion, not anatomically exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tasks.synthetic.figures.figure_skeleton import BodyAngles, LimbAngles, Series

Random = np.random.Generator
MotionFunction = Callable[[Series, Random], BodyAngles]
"""(t,) seconds and a random generator to the body angles at these times."""


def deg(value: float) -> float:
    """Degrees as radians."""
    return float(np.radians(value))


@dataclass(frozen=True)
class IdleFigure:
    """A standing figure with small random movements: the base of all motions."""

    t: Series
    random: Random

    def constant_series(self, value: float = 0.0) -> Series:
        """(t,) a constant."""
        return np.full_like(self.t, value)

    def random_sway(self, degrees: float) -> Series:
        """(t,) slow random oscillation of about this amplitude, radians."""
        frequency, phase = self.random.uniform(0.1, 0.5, 3), self.random.uniform(0, 2 * np.pi, 3)
        waves = np.sin(2 * np.pi * np.outer(self.t, frequency) + phase)
        return deg(degrees) * waves.mean(axis=1)

    def hanging_arm(self) -> LimbAngles:
        """An arm hanging down, slightly bent."""
        flexion = self.random_sway(4) + deg(self.random.uniform(-8, 8))
        abduction = self.random_sway(3) + deg(self.random.uniform(4, 14))
        return LimbAngles(flexion, abduction, flexion + deg(self.random.uniform(5, 25)), 0.6 * abduction)

    def raised_arm(self) -> LimbAngles:
        """An arm held still in a random position."""
        upper, lower = self.random.uniform([-20, 5], [120, 130]), self.random.uniform([0, -20], [150, 150])
        return LimbAngles(
            self.constant_series(deg(upper[0])) + self.random_sway(2),
            self.constant_series(deg(upper[1])) + self.random_sway(2),
            self.constant_series(deg(lower[0])) + self.random_sway(2),
            self.constant_series(deg(lower[1])) + self.random_sway(2),
        )

    def straight_leg(self) -> LimbAngles:
        """A straight leg, feet slightly apart."""
        apart = deg(self.random.uniform(1, 7))
        flexion = self.random_sway(1) + deg(self.random.uniform(-3, 6))
        return LimbAngles(
            flexion,
            self.constant_series(apart),
            flexion - deg(self.random.uniform(1, 6)),
            self.constant_series(apart),
        )

    def standing_pose(self) -> BodyAngles:
        """Body angles of standing."""
        zero = self.constant_series()
        return BodyAngles(
            arms=(self.hanging_arm(), self.hanging_arm()),
            legs=(self.straight_leg(), self.straight_leg()),
            lean=self.random_sway(2) + deg(self.random.uniform(-2, 4)),
            sway=self.random_sway(2),
            turn=self.random_sway(6),
            air=zero,
            advance=zero,
        )


def make_gait(t: Series, random: Random, phase: Series, *, run: bool) -> BodyAngles:
    """Body angles of the gait cycle at `phase` (radians, 2 pi are two steps), on the spot."""
    idle = IdleFigure(t, random)
    swing = deg(random.uniform(36, 50) if run else random.uniform(20, 30))
    bend = deg(random.uniform(80, 110) if run else random.uniform(45, 65))
    elbow = deg(random.uniform(70, 100) if run else random.uniform(10, 35))
    arms = deg(random.uniform(30, 50) if run else random.uniform(12, 32))

    def leg(shift: float) -> LimbAngles:
        at = phase + shift
        flexion = swing * np.sin(at) + deg(12 if run else 4)
        knee = deg(8) + bend * np.maximum(0, np.cos(at + 0.35)) ** 2
        still = idle.straight_leg()
        return LimbAngles(flexion, still.abduction, flexion - knee, still.lower_abduction)

    def arm(shift: float) -> LimbAngles:
        flexion = arms * np.sin(phase + shift)
        still = idle.hanging_arm()
        return LimbAngles(flexion, still.abduction, flexion + elbow, still.lower_abduction)

    bounce = (0.04 if run else 0.008) * (1 - np.cos(2 * phase)) / 2
    lean = idle.random_sway(1) + deg(random.uniform(6, 14) if run else random.uniform(-1, 5))
    pose = idle.standing_pose()
    return replace(pose, arms=(arm(np.pi), arm(0.0)), legs=(leg(0.0), leg(np.pi)), lean=lean, air=bounce)


def draw_phase(t: Series, random: Random, slowest: float, fastest: float) -> Series:
    """(t,) phase of constant random frequency between the two, cycles per second."""
    return 2 * np.pi * (random.uniform(slowest, fastest) * t + random.uniform())


def _add_travel(pose: BodyAngles, phase: Series, random: Random, stride: float) -> BodyAngles:
    """The pose with forward travel of `stride` per cycle, or, in 40 % of clips, on the spot."""
    way = stride * random.uniform(0.85, 1.15) * (phase - phase[0]) / (2 * np.pi)
    return replace(pose, advance=way) if random.random() < 0.6 else pose  # noqa: PLR2004  share of clips


def animate_walk(t: Series, random: Random) -> BodyAngles:
    """Two steps per cycle, heel to toe."""
    phase = draw_phase(t, random, 0.7, 1.15)
    return _add_travel(make_gait(t, random, phase, run=False), phase, random, 0.8)


def animate_run(t: Series, random: Random) -> BodyAngles:
    """Longer strides, bent elbows, a moment in the air."""
    phase = draw_phase(t, random, 1.25, 1.7)
    return _add_travel(make_gait(t, random, phase, run=True), phase, random, 1.5)


def animate_stand(t: Series, random: Random) -> BodyAngles:
    """Standing on the spot, the arms still in random positions."""
    idle = IdleFigure(t, random)
    arms = tuple(idle.raised_arm() if random.random() < 0.4 else idle.hanging_arm() for _ in range(2))  # noqa: PLR2004  share of arms
    return replace(idle.standing_pose(), arms=(arms[0], arms[1]))


def animate_jump(t: Series, random: Random) -> BodyAngles:
    """Up and down on the spot: bend, fly, land."""
    idle = IdleFigure(t, random)
    period = random.uniform(0.7, 1.2)
    share = (t / period + random.uniform()) % 1
    flying = np.clip((share - 0.4) / 0.4, 0, 1)
    air = random.uniform(0.12, 0.3) * 4 * flying * (1 - flying)
    crouch = np.where(share < 0.4, np.sin(np.pi * share / 0.4), 0) + 0.5 * np.maximum(  # noqa: PLR2004  share of the cycle
        0, np.sin(np.pi * (share - 0.8) / 0.4)
    )
    bend = deg(random.uniform(30, 55)) * crouch
    up = deg(random.uniform(20, 140)) * np.where(share < 0.4, 0, np.sin(np.pi * flying))  # noqa: PLR2004  share of the cycle
    out = deg(random.uniform(5, 30))
    pose = idle.standing_pose()
    legs = tuple(LimbAngles(bend, leg.abduction, -bend, leg.lower_abduction) for leg in pose.legs)
    arms = tuple(
        LimbAngles(up - 0.5 * bend, idle.constant_series(out), up + deg(20), idle.constant_series(out))
        for _ in range(2)
    )
    return replace(pose, legs=(legs[0], legs[1]), arms=(arms[0], arms[1]), lean=0.7 * bend, air=air)


def animate_wave(t: Series, random: Random) -> BodyAngles:
    """One hand raised, the forearm swinging sideways."""
    idle = IdleFigure(t, random)
    swing = np.sin(draw_phase(t, random, 1.1, 2.6))
    upper, lower = deg(random.uniform(70, 140)), deg(random.uniform(140, 180))
    size = deg(random.uniform(18, 40))
    forward = deg(random.uniform(-10, 50))
    arm = LimbAngles(
        idle.constant_series(forward), upper + 0.25 * size * swing, idle.constant_series(forward), lower + size * swing
    )
    return replace(idle.standing_pose(), arms=on_random_side(idle.hanging_arm(), arm, random))


def animate_clap(t: Series, random: Random) -> BodyAngles:
    """Both hands in front, together and apart."""
    idle = IdleFigure(t, random)
    apart = (1 + np.sin(draw_phase(t, random, 1.3, 3.0))) / 2
    size = deg(random.uniform(25, 50))
    raised, bent = deg(random.uniform(20, 60)), deg(random.uniform(70, 110))
    arm = LimbAngles(
        idle.constant_series(raised),
        deg(8) + 0.5 * size * apart,
        idle.constant_series(bent),
        deg(-38) + size * apart,
    )
    return replace(idle.standing_pose(), arms=(arm, arm))


def animate_squat(t: Series, random: Random) -> BodyAngles:
    """Down and up, knees bent."""
    idle = IdleFigure(t, random)
    down = (1 - np.cos(draw_phase(t, random, 0.35, 0.75))) / 2
    deep = deg(random.uniform(65, 105))
    reach = deg(random.uniform(0, 90))
    pose = idle.standing_pose()
    legs = tuple(
        LimbAngles(deep * down, leg.abduction + 0.15 * down, -0.8 * deep * down, leg.lower_abduction)
        for leg in pose.legs
    )
    arm = LimbAngles(
        reach * down + 0.5 * deep * down,
        idle.constant_series(deg(8)),
        reach * down + 0.5 * deep * down + 0.2,
        idle.constant_series(),
    )
    return replace(pose, legs=(legs[0], legs[1]), arms=(arm, arm), lean=0.4 * deep * down)


def animate_spin(t: Series, random: Random) -> BodyAngles:
    """Turning about the vertical, small steps below."""
    idle = IdleFigure(t, random)
    rate = random.uniform(0.45, 1.1) * random.choice([-1, 1])
    pose = make_gait(t, random, draw_phase(t, random, 0.8, 1.6), run=False)
    legs = tuple(replace(leg, flexion=0.4 * leg.flexion, lower_flexion=0.4 * leg.lower_flexion) for leg in pose.legs)
    arm = idle.raised_arm() if random.random() < 0.5 else idle.hanging_arm()  # noqa: PLR2004  one half
    return replace(pose, arms=(arm, arm), legs=(legs[0], legs[1]), turn=2 * np.pi * rate * t)


def animate_kick(t: Series, random: Random) -> BodyAngles:
    """One leg back, then forward and up, repeatedly."""
    idle = IdleFigure(t, random)
    period = random.uniform(0.8, 1.4)
    share = (t / period + random.uniform()) % 1
    high = deg(random.uniform(55, 110))
    flexion = np.interp(share, [0, 0.2, 0.42, 0.6, 0.85, 1], [0, deg(-30), high, 0.8 * high, 0, 0])
    knee = np.interp(share, [0, 0.2, 0.34, 0.45, 0.65, 0.85, 1], np.radians([5, 60, 75, 8, 25, 8, 5]))
    pose = idle.standing_pose()
    leg = LimbAngles(flexion, pose.legs[0].abduction, flexion - knee, pose.legs[0].lower_abduction)
    arm = LimbAngles(
        -0.4 * flexion,
        idle.constant_series(deg(random.uniform(10, 45))),
        -0.3 * flexion + 0.4,
        idle.constant_series(deg(15)),
    )
    return replace(pose, legs=on_random_side(pose.legs[1], leg, random), arms=(arm, arm), lean=-0.15 * flexion)


def animate_bow(t: Series, random: Random) -> BodyAngles:
    """The trunk forward and up again."""
    idle = IdleFigure(t, random)
    down = (1 - np.cos(draw_phase(t, random, 0.3, 0.65))) / 2
    pose = idle.standing_pose()
    hang = random.uniform(0, 1)
    lean = deg(random.uniform(45, 85)) * down
    arms = tuple(
        replace(arm, flexion=arm.flexion + hang * lean, lower_flexion=arm.lower_flexion + hang * lean)
        for arm in pose.arms
    )
    return replace(pose, lean=lean, arms=(arms[0], arms[1]))


def on_random_side(other: LimbAngles, limb: LimbAngles, random: Random) -> tuple[LimbAngles, LimbAngles]:
    """`limb` on a random side, `other` on the opposite one."""
    return (limb, other) if random.random() < 0.5 else (other, limb)  # noqa: PLR2004  one half


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
