"""Rendering of body parts over a background with ground-truth optical flow.

Parts are drawn from far to near with anti-aliased edges. The flow of a pixel is that of the nearest part covering at
least half of it: its surface coordinates (along, around) are looked up in the next frame. Surface points that rotate
out of sight move to the edge behind which they disappear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Image, Matrix
from tasks.geometry.warp import pixel_grid
from tasks.synthetic.figures.cloth_patterns import TILE_SIDE, ClothTile
from tasks.synthetic.figures.figure_body import BodyPart, FigureClothing


@dataclass(frozen=True, eq=False)
class PartCoverage:
    """The pixels that a part covers in one frame."""

    rows: slice
    columns: slice
    alpha: NDArray[np.float64]
    """(h, w) coverage, 0..1."""
    along: NDArray[np.float64]
    """(h, w) texture px from the start; beyond the ends, image px."""
    around: NDArray[np.float64]
    """(h, w) angle around the part without the body's rotation, radians."""
    facing: NDArray[np.float64]
    """(h, w) cosine of the angle to the camera."""


def render_figure(
    background: ClothTile,
    figure: Sequence[BodyPart],
    clothing: FigureClothing,
    camera: NDArray[np.float64],
    size: tuple[int, int],
) -> Iterator[tuple[Image, FlowField]]:
    """(h, w, 3) images with the (h, w, 2) flow to the next (zero for the last); `camera` is (t, 2, 3) affine."""
    height, width = size
    seen = [_project_part(part, camera) for part in figure]
    for frame in range(len(camera)):
        after = min(frame + 1, len(camera) - 1)
        picture: Any = cv2.warpAffine(
            background, camera[frame], (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        flow = _camera_flow(camera[frame], camera[after], height, width)
        for part in sorted(seen, key=lambda part: -part.depth[frame]):
            spot = compute_coverage(part, frame, height, width)
            if spot is not None:
                where = spot.rows, spot.columns
                paint = _cloth_at(clothing.tiles[part.name], spot) * (0.55 + 0.45 * spot.facing[..., None])
                picture[where] += spot.alpha[..., None] * (paint - picture[where])
                moved = locate_on_cloth(part, after, spot) - pixel_grid(height, width)[where]
                flow[where] = np.where(spot.alpha[..., None] >= 0.5, moved, flow[where])  # noqa: PLR2004  covers at least half of the pixel
        yield np.clip(np.rint(picture), 0, 255).astype(np.uint8), flow.astype(np.float32)


def compute_coverage(part: BodyPart, frame: int, height: int, width: int) -> PartCoverage | None:
    """Coverage of an image of this size by `part`; None where it covers no pixel."""
    start, end, (near, far) = part.start[frame], part.end[frame], part.radii[frame]
    margin = max(near, far) + 1
    x1, y1 = np.maximum(np.floor(np.minimum(start, end) - margin), 0).astype(int)
    x2, y2 = np.minimum(np.ceil(np.maximum(start, end) + margin) + 1, (width, height)).astype(int)
    if x1 >= x2 or y1 >= y2:
        return None
    rows, columns = slice(y1, y2), slice(x1, x2)
    length, along, across = _axes(part, frame)
    offset = pixel_grid(height, width)[rows, columns] - start
    u, v = offset @ along, offset @ across
    radius = near + (far - near) * np.clip(u / length, 0, 1)
    beyond = u - np.clip(u, 0, length)
    alpha = np.clip(radius - np.hypot(beyond, v) + 0.5, 0, 1)
    sine = np.clip(v / radius, -1, 1)
    cloth = np.where(beyond == 0, u * (part.length / length), np.where(u < 0, u, part.length + beyond))
    return PartCoverage(rows, columns, alpha, cloth, np.arcsin(sine) - part.turn[frame], np.sqrt(1 - sine**2))


def locate_on_cloth(part: BodyPart, frame: int, spot: PartCoverage) -> NDArray[np.float64]:
    """(h, w, 2) image positions in `frame` of the surface points in `spot`."""
    start, (near, far) = part.start[frame], part.radii[frame]
    length, along, across = _axes(part, frame)
    inside = np.clip(spot.along, 0, part.length)
    u = inside * (length / part.length) + (spot.along - inside)
    radius = near + (far - near) * np.clip(u / length, 0, 1)
    angle = spot.around + part.turn[frame]
    angle = (angle + np.pi) % (2 * np.pi) - np.pi
    v = radius * np.sin(np.clip(angle, -np.pi / 2, np.pi / 2))
    return start + u[..., None] * along + v[..., None] * across


def _axes(part: BodyPart, frame: int) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Length in the image, and the unit vectors along and across."""
    way = part.end[frame] - part.start[frame]
    length = float(np.hypot(*way))
    along = way / length
    return length, along, np.array([-along[1], along[0]])


def _cloth_at(tile: ClothTile, spot: PartCoverage) -> NDArray[np.float32]:
    """(h, w, 3) texture colours at the surface points in `spot`."""
    x = (spot.around * (TILE_SIDE / (2 * np.pi)) % TILE_SIDE).astype(np.float32)
    y = (spot.along % TILE_SIDE).astype(np.float32)
    found: Any = cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return found


def _project_part(part: BodyPart, camera: NDArray[np.float64]) -> BodyPart:
    """The part in image coordinates of each frame's camera."""
    zoom = np.sqrt(np.abs(np.linalg.det(camera[:, :, :2])))

    def seen(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.einsum("tij,tj->ti", camera[:, :, :2], points) + camera[:, :, 2]

    return BodyPart(
        part.name, seen(part.start), seen(part.end), part.radii * zoom[:, None], part.depth, part.turn, part.length
    )


def _camera_flow(before: Matrix, after: Matrix, height: int, width: int) -> NDArray[np.float64]:
    """(h, w, 2) flow of the background."""
    inverse = np.linalg.inv(before[:, :2])
    linear = after[:, :2] @ inverse
    grid = pixel_grid(height, width).astype(np.float64)
    return grid @ (linear - np.eye(2)).T + (after[:, 2] - linear @ before[:, 2])
