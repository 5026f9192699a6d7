"""A body in the picture: joints seen by a camera far away, parts as tapered capsules painted all around.

Every part is a cylinder as seen from the side: a place on it has a coordinate along the part and an angle around it,
and both stay with the cloth when the part moves or the body turns. So the true flow of each pixel is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.synthetic.figures.cloth_patterns import ClothTile, RgbColour, draw_cloth, draw_colour
from tasks.synthetic.figures.figure_skeleton import BodyBuild, JointPositions, Series

MIN_PART_PX = 1.5  # a part that points at the camera keeps this length, so that it has a direction
PART_RADII = {
    "head": (0.055, 0.06), "trunk": (0.085, 0.105), "upper arm": (0.034, 0.028), "forearm": (0.027, 0.021),
    "thigh": (0.055, 0.042), "shank": (0.04, 0.027), "foot": (0.027, 0.022), "neck": (0.035, 0.035),
}  # fmt: skip
"""Half of a part's thickness at both ends, in body heights."""
TRUNK_FLATNESS = 0.62  # depth of a trunk over its breadth


@dataclass(frozen=True, eq=False)
class FigureClothing:
    """What a body wears, by part."""

    tiles: dict[str, ClothTile]


@dataclass(frozen=True, eq=False)
class BodyPart:
    """A tapered capsule over t frames, in picture pixels."""

    name: str
    start: NDArray[np.float64]
    """(t, 2) x, y."""
    end: NDArray[np.float64]
    radii: NDArray[np.float64]
    """(t, 2) at the start and at the end."""
    depth: Series
    """(t,) away from the camera, for the order of drawing."""
    turn: Series
    """(t,) of the body, radians."""
    length: float
    """Along the cloth, px."""


@dataclass(frozen=True)
class FigureCamera:
    """A camera far away: direction, height of a body in the picture, and where its feet stand."""

    heading: float
    """Of the body at the start, radians; 0 looks to the right, pi / 2 away from the camera."""
    elevation: float
    """Of the camera above the horizon, radians."""
    height_px: float
    """Body height."""
    feet_px: tuple[float, float]
    """x, y of the point between the feet at the start."""


def draw_clothing(random: np.random.Generator, hue: float | None = None) -> FigureClothing:
    """Clothes for every part: shirt, trousers, shoes, skin; around `hue` where there is one."""

    def cloth_of(first: RgbColour, second: RgbColour) -> ClothTile:
        return draw_cloth(random, first, second)

    shirt, trousers, shoes = (cloth_of(draw_colour(random, hue), draw_colour(random, hue)) for _ in range(3))
    tone = np.array([random.uniform(90, 240)]) * np.array([1.0, 0.78, 0.63])
    skin = cloth_of((0.9 * tone).astype(np.float32), np.minimum(1.1 * tone, 255).astype(np.float32))
    bare_arms, bare_legs = random.random(2) < (0.5, 0.25)
    return FigureClothing({
        "head": skin, "neck": skin, "trunk": shirt, "upper arm": shirt, "forearm": skin if bare_arms else shirt,
        "thigh": trousers, "shank": skin if bare_legs else trousers, "foot": shoes,
    })  # fmt: skip


def make_body_parts(body: JointPositions, build: BodyBuild, view: FigureCamera) -> list[BodyPart]:
    """The parts of a body as `view` sees them."""
    ends = [
        ("trunk", body.pelvis, body.chest), ("neck", body.chest, body.crown), ("head", body.neck, body.crown),
        *[("upper arm", a, b) for a, b in zip(body.shoulders, body.elbows, strict=True)],
        *[("forearm", a, b) for a, b in zip(body.elbows, body.hands, strict=True)],
        *[("thigh", a, b) for a, b in zip(body.hips, body.knees, strict=True)],
        *[("shank", a, b) for a, b in zip(body.knees, body.ankles, strict=True)],
        *[("foot", a, b) for a, b in zip(body.ankles, body.toes, strict=True)],
    ]  # fmt: skip
    facing = body.turn + view.heading
    return [_part(name, (first, second), build, view, facing) for name, first, second in ends]


def _part(
    name: str,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    build: BodyBuild,
    view: FigureCamera,
    facing: Series,
) -> BodyPart:
    first, second = ends
    (start, depth), (end, far) = _project(first, view), _project(second, view)
    thick = np.array(PART_RADII[name]) * view.height_px * (build.head if name == "head" else build.girth)
    radii = np.repeat(thick[None], len(facing), axis=0)
    if name == "trunk":  # broad from the front, flat from the side
        radii = radii * build.breadth * np.hypot(np.sin(facing), TRUNK_FLATNESS * np.cos(facing))[:, None] * 1.25
    length = float(np.linalg.norm(second - first, axis=1).max()) * view.height_px
    return BodyPart(
        name, start, _keep_min_length(start, end), radii, (depth + far) / 2, facing, max(length, MIN_PART_PX)
    )


def _project(points: NDArray[np.float64], view: FigureCamera) -> tuple[NDArray[np.float64], Series]:
    """(t, 2) pixels and (t,) depth of (t, 3) points in body heights."""
    x, y, z = points.T
    right = x * np.cos(view.heading) - y * np.sin(view.heading)
    away = x * np.sin(view.heading) + y * np.cos(view.heading)
    rise = z * np.cos(view.elevation) + away * np.sin(view.elevation)
    pixels = np.stack([right, -rise], axis=1) * view.height_px + np.array(view.feet_px)
    return pixels, away * np.cos(view.elevation) - z * np.sin(view.elevation)


def _keep_min_length(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """`end`, moved where it lies upon `start`."""
    way = end - start
    length = np.linalg.norm(way, axis=1, keepdims=True)
    way = np.where(length > 1e-9, way / np.maximum(length, 1e-9), np.array([0.0, 1.0]))
    return start + way * np.maximum(length, MIN_PART_PX)
