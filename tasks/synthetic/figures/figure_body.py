"""Body parts of a figure in the image: tapered capsules between joints, under orthographic projection.

Every part is a textured cylinder: a surface point has a coordinate along the part and an angle around it, and both
are constant when the part moves or the body rotates. So the true flow of each pixel is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.synthetic.figures.cloth_patterns import ClothTile, RgbColour, draw_cloth, draw_colour
from tasks.synthetic.figures.figure_skeleton import BodyBuild, JointPositions, Series

MIN_PART_PX = 1.5  # minimum length of a part that points at the camera, so that its direction is defined
PART_RADII = {
    "head": (0.055, 0.06), "trunk": (0.085, 0.105), "upper arm": (0.034, 0.028), "forearm": (0.027, 0.021),
    "thigh": (0.055, 0.042), "shank": (0.04, 0.027), "foot": (0.027, 0.022), "neck": (0.035, 0.035),
}  # fmt: skip
"""Radius of each part at both ends, in body heights."""
TRUNK_FLATNESS = 0.62  # depth of a trunk over its breadth


@dataclass(frozen=True, eq=False)
class FigureClothing:
    """Cloth texture of each body part."""

    tiles: dict[str, ClothTile]


@dataclass(frozen=True, eq=False)
class BodyPart:
    """A tapered capsule over t frames, in image pixels."""

    name: str
    start: NDArray[np.float64]
    """(t, 2) x, y."""
    end: NDArray[np.float64]
    radii: NDArray[np.float64]
    """(t, 2) at the start and at the end."""
    depth: Series
    """(t,) distance from the camera, for the drawing order."""
    turn: Series
    """(t,) rotation of the body, radians."""
    length: float
    """Length of the texture along the part, px."""


@dataclass(frozen=True)
class FigureCamera:
    """An orthographic camera: direction, height of a body in the image, and position of its feet."""

    heading: float
    """Heading of the body at the start, radians; 0 faces right, pi / 2 away from the camera."""
    elevation: float
    """Angle of the camera above the horizon, radians."""
    height_px: float
    """Body height in the image, pixels."""
    feet_px: tuple[float, float]
    """x, y of the point between the feet at the start."""


def draw_clothing(random: np.random.Generator, hue: float | None = None) -> FigureClothing:
    """Random textures of all parts: shirt, trousers, shoes, skin; of a hue near `hue` if given."""

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


def make_body_parts(body: JointPositions, build: BodyBuild, camera: FigureCamera) -> list[BodyPart]:
    """The body parts in the image of `camera`."""
    ends = [
        ("trunk", body.pelvis, body.chest), ("neck", body.chest, body.crown), ("head", body.neck, body.crown),
        *[("upper arm", a, b) for a, b in zip(body.shoulders, body.elbows, strict=True)],
        *[("forearm", a, b) for a, b in zip(body.elbows, body.hands, strict=True)],
        *[("thigh", a, b) for a, b in zip(body.hips, body.knees, strict=True)],
        *[("shank", a, b) for a, b in zip(body.knees, body.ankles, strict=True)],
        *[("foot", a, b) for a, b in zip(body.ankles, body.toes, strict=True)],
    ]  # fmt: skip
    facing = body.turn + camera.heading
    return [_part(name, (first, second), build, camera, facing) for name, first, second in ends]


def _part(
    name: str,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    build: BodyBuild,
    camera: FigureCamera,
    facing: Series,
) -> BodyPart:
    first, second = ends
    (start, depth), (end, far) = _project(first, camera), _project(second, camera)
    thick = np.array(PART_RADII[name]) * camera.height_px * (build.head if name == "head" else build.girth)
    radii = np.repeat(thick[None], len(facing), axis=0)
    if name == "trunk":  # wide from the front, narrow from the side
        radii = radii * build.breadth * np.hypot(np.sin(facing), TRUNK_FLATNESS * np.cos(facing))[:, None] * 1.25
    length = float(np.linalg.norm(second - first, axis=1).max()) * camera.height_px
    return BodyPart(
        name, start, _keep_min_length(start, end), radii, (depth + far) / 2, facing, max(length, MIN_PART_PX)
    )


def _project(points: NDArray[np.float64], camera: FigureCamera) -> tuple[NDArray[np.float64], Series]:
    """(t, 2) pixels and (t,) depth of (t, 3) points in body heights (orthographic projection)."""
    x, y, z = points.T
    right = x * np.cos(camera.heading) - y * np.sin(camera.heading)
    away = x * np.sin(camera.heading) + y * np.cos(camera.heading)
    rise = z * np.cos(camera.elevation) + away * np.sin(camera.elevation)
    pixels = np.stack([right, -rise], axis=1) * camera.height_px + np.array(camera.feet_px)
    return pixels, away * np.cos(camera.elevation) - z * np.sin(camera.elevation)


def _keep_min_length(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """`end`, moved away from `start` where they are closer than MIN_PART_PX."""
    way = end - start
    length = np.linalg.norm(way, axis=1, keepdims=True)
    way = np.where(length > 1e-9, way / np.maximum(length, 1e-9), np.array([0.0, 1.0]))  # noqa: PLR2004  avoids a division by zero
    return start + way * np.maximum(length, MIN_PART_PX)
