"""Random clips of one figure: motion, clothing, background and camera drawn from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Image
from tasks.synthetic.figures.cloth_patterns import draw_scenery
from tasks.synthetic.figures.figure_body import FigureCamera, draw_clothing, make_body_parts
from tasks.synthetic.figures.figure_motions import MotionFunction
from tasks.synthetic.figures.figure_renderer import render_figure
from tasks.synthetic.figures.figure_skeleton import BodyBuild, compute_joints

FIGURE_VERSION = 1
"""To be increased when clips of the same seed change."""
SIDE = 128  # pixels of an image along each axis
FPS = 25.0
MAX_GRAIN = 5.0  # grey levels
MAX_SIDE_VIEW_ANGLE = np.radians(35)  # largest deviation from a side view
SCENERY_SCALE = 1.6  # size of the background over that of the image: room for the camera to pan


@dataclass(frozen=True, eq=False)
class FigureClip:
    """A rendered clip with its ground truth."""

    pictures: Sequence[Image]
    """t RGB images."""
    flow: Sequence[FlowField]
    """t - 1 exact flow fields to the next image."""
    cameras: NDArray[np.float64]
    """(t - 1, 3, 3) homographies of the background to the next image."""
    xyxy: NDArray[np.float32]
    """(t, 4) bounding box of the figure."""


@dataclass(frozen=True)
class ClipTheme:
    """Constraints on all clips of a data set."""

    hue: float | None = None
    """Hue of clothes and background, 0..1; None for any."""
    from_side: bool = False
    """Whether the camera has a side view, in which the direction of leg swing is visible; else any view."""


def draw_figure_clip(seed: Sequence[int], motion: MotionFunction, frames: int, theme: ClipTheme) -> FigureClip:
    """The clip of `seed`: `motion` over `frames` images."""
    random, looks = (np.random.default_rng([FIGURE_VERSION, number, *seed]) for number in (0, 1))
    t = np.arange(frames) / FPS
    build = BodyBuild(*random.normal(1, [0.05, 0.05, 0.08, 0.12, 0.08]).clip(0.8, 1.25))
    body = compute_joints(motion(t, random), build)
    height = random.uniform(0.5, 0.72) * SIDE
    wide = SCENERY_SCALE * SIDE
    view = FigureCamera(
        _draw_heading(random, theme), np.radians(random.uniform(0, 18)), height, (wide / 2, wide / 2 + height / 2)
    )
    figure = make_body_parts(body, build, view)
    camera = _draw_camera(random, t, np.mean([part.start for part in figure], axis=0))
    background = draw_scenery(looks, round(wide), round(wide), theme.hue)
    rendered = list(render_figure(background, figure, draw_clothing(looks, theme.hue), camera, (SIDE, SIDE)))
    outline = np.concatenate([np.stack([part.start, part.end]) for part in figure])
    radius = max(float(part.radii.max()) for part in figure) * 0.6
    seen = np.einsum("tij,ntj->nti", camera[:, :, :2], outline) + camera[:, :, 2]
    xyxy = np.concatenate([seen.min(axis=0) - radius, seen.max(axis=0) + radius], axis=1).astype(np.float32)
    grain = looks.uniform(0, MAX_GRAIN)
    return FigureClip(
        [_add_grain(p, grain, looks) for p, _ in rendered],
        [f for _, f in rendered[:-1]],
        _homographies_between(camera),
        xyxy,
    )


def _draw_heading(random: np.random.Generator, theme: ClipTheme) -> float:
    """Random heading of the figure, radians."""
    if theme.from_side:
        return np.pi * random.integers(2) + random.uniform(-MAX_SIDE_VIEW_ANGLE, MAX_SIDE_VIEW_ANGLE)
    return random.uniform(0, 2 * np.pi)


def _add_grain(picture: Image, spread: float, random: np.random.Generator) -> Image:
    """The image with Gaussian noise."""
    grain = random.standard_normal(picture.shape, np.float32) * np.float32(spread)
    return np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)


def _draw_camera(random: np.random.Generator, t: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
    """(t, 2, 3) affine camera: static, panning and zooming, or following the (t, 2) `path` of the figure."""
    kind = random.choice(["still", "moving", "following"])
    middle = np.tile(path.mean(axis=0), (len(t), 1))
    zoom = np.ones_like(t)
    if kind != "still":
        speed, shake = random.normal(0, 8, 2), random.normal(0, 1.5, (2, 2))
        pan = speed * (t - t.mean())[:, None] + np.sin(2 * np.pi * np.outer(t, random.uniform(0.3, 1.5, 2))) @ shake
        zoom = np.exp(random.normal(0, 0.06) * (t - t.mean()))
        middle = middle + pan
    if kind == "following" or np.ptp(path, axis=0).max() > SIDE / 3:
        middle = (
            middle + np.stack([np.polyval(np.polyfit(t, axis, 1), t) for axis in path.T], axis=1) - path.mean(axis=0)
        )
    camera = np.zeros((len(t), 2, 3))
    camera[:, 0, 0] = camera[:, 1, 1] = zoom
    camera[:, :, 2] = SIDE / 2 + random.normal(0, 0.03 * SIDE, 2) - zoom[:, None] * middle
    return camera


def _homographies_between(camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """(t - 1, 3, 3) homographies from each image to the next."""
    full = np.zeros((len(camera), 3, 3))
    full[:, :2], full[:, 2, 2] = camera, 1
    return full[1:] @ np.linalg.inv(full[:-1])
