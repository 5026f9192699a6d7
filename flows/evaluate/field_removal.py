"""An actor taken out of a synthetic scene: what lies behind it, against the same scene drawn without it.

PSNR is taken where what lies behind is seen in some other frame, over all frames that are asked. OpenCV's inpainting
(Telea, 2004) is what knows one frame alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.evaluate.field_problem import Mask, Problem
from tasks.synthetic.scene.cast import POST
from tasks.synthetic.scene.scene import Scene

RADIUS_PX = 3.0  # as in OpenCV's tutorial on inpainting
SOFT_EDGE_PX = 1  # beyond its pixels a thing's outline still colours the next ones
EVERY = 4  # frames from one that is asked to the next

Remover = Callable[[Problem, Mask, Sequence[int]], Mapping[int, NDArray[np.uint8]]]
"""A problem, the (t, h, w) mask of what goes, and the frames that are asked, to those frames without it."""


@dataclass(frozen=True)
class Removal:
    """One actor, and what is asked."""

    instance: int
    mask: Mask
    """(t, h, w) its pixels."""
    frames: tuple[int, ...]
    """Frames where it is seen and something behind it is seen elsewhere."""


def choose(scene: Scene) -> Removal:
    """The actor that is seen most, in every EVERY-th frame."""
    actors = [layer.instance for layer in scene.layers[1:] if layer.class_id != POST]
    sizes = {instance: int((scene.instances == instance).sum()) for instance in actors}
    instance = max(actors, key=lambda actor: (sizes[actor], actor))
    frames = tuple(f for f in range(0, len(scene), EVERY) if scene.seen_without(f, instance).any())
    return Removal(instance, scene.instances == instance, frames)


def psnr(scene: Scene, removal: Removal, found: Mapping[int, NDArray[np.uint8]]) -> float:
    """dB over all asked pixels together."""
    squares: list[NDArray[np.float64]] = []
    for frame in removal.frames:
        asked = scene.seen_without(frame, removal.instance)
        truth = scene.without(frame, removal.instance).astype(np.float64)
        squares.append(((found[frame] - truth) ** 2)[asked].ravel())
    error = float(np.concatenate(squares).mean()) if squares else float("nan")
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def inpainted(problem: Problem, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames with what goes filled from its surroundings in the same frame."""
    kernel = np.ones((2 * SOFT_EDGE_PX + 1,) * 2, np.uint8)
    found: dict[int, NDArray[np.uint8]] = {}
    for frame in frames:
        hole = cv2.dilate(mask[frame].astype(np.uint8), kernel)
        filled = cv2.inpaint(problem.images[frame], hole, RADIUS_PX, cv2.INPAINT_TELEA)
        found[frame] = filled.astype(np.uint8, copy=False)
    return found


REMOVERS: Mapping[str, Remover] = {"inpaint": inpainted}
"""Who takes part."""
