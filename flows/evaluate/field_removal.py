"""An actor taken out of a synthetic scene: what lies behind it, against the same scene drawn without it.

PSNR is taken where what lies behind is seen in some other frame, over all frames that are asked. OpenCV's inpainting
(Telea, 2004) is what knows one frame alone. A plate of the other frames, laid over each other by the camera's motion,
is what knows them all but neither things nor their depth. The field knows layers that move by themselves besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.evaluate.field_geometry import fit_case_volume
from flows.evaluate.synthetic_case import SyntheticCase
from tasks.arrays import Mask
from tasks.geometry.homography import compute_camera_flow, estimate_camera_motion
from tasks.geometry.warp import find_targets_inside, warp_image
from tasks.plane_volume.object_removal import remove_object
from tasks.synthetic.scene.scene_layers import POST
from tasks.synthetic.scene.synthetic_scene import Scene

INPAINT_RADIUS_PX = 3.0  # as in OpenCV's tutorial on inpainting
SOFT_EDGE_PX = 1  # beyond its pixels a thing's outline still colours the next ones
NEAREST_FRAMES = 5  # frames that a plate is made of at each pixel
FRAME_STRIDE = 4  # frames from one that is asked to the next

RemovalMethod = Callable[[SyntheticCase, Mask, Sequence[int]], Mapping[int, NDArray[np.uint8]]]
"""A problem, the (t, h, w) mask of what goes, and the frames that are asked, to those frames without it."""


@dataclass(frozen=True)
class RemovalCase:
    """One actor, and what is asked."""

    instance: int
    mask: Mask
    """(t, h, w) its pixels."""
    frames: tuple[int, ...]
    """Frames where it is seen and something behind it is seen elsewhere."""


def choose_actor(scene: Scene) -> RemovalCase:
    """The actor that is seen most, in every EVERY-th frame."""
    actors = [layer.instance for layer in scene.layers[1:] if layer.class_id != POST]
    sizes = {instance: int((scene.instances == instance).sum()) for instance in actors}
    instance = max(actors, key=lambda actor: (sizes[actor], actor))
    frames = tuple(f for f in range(0, len(scene), FRAME_STRIDE) if scene.seen_without(f, instance).any())
    return RemovalCase(instance, scene.instances == instance, frames)


def compute_psnr(scene: Scene, removal: RemovalCase, found: Mapping[int, NDArray[np.uint8]]) -> float:
    """dB over all asked pixels together."""
    squares: list[NDArray[np.float64]] = []
    for frame in removal.frames:
        asked = scene.seen_without(frame, removal.instance)
        truth = scene.without(frame, removal.instance).astype(np.float64)
        squares.append(((found[frame] - truth) ** 2)[asked].ravel())
    error = float(np.concatenate(squares).mean()) if squares else float("nan")
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def inpaint_frames(problem: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames with what goes filled from its surroundings in the same frame."""
    found: dict[int, NDArray[np.uint8]] = {}
    for frame in frames:
        filled = cv2.inpaint(
            problem.images[frame], _dilate_mask(mask[frame]).astype(np.uint8), INPAINT_RADIUS_PX, cv2.INPAINT_TELEA
        )
        found[frame] = filled.astype(np.uint8, copy=False)
    return found


def composite_background(problem: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames with what goes filled by the median of the NEAREST frames that see its place, brought to their light."""
    found = inpaint_frames(problem, mask, frames)
    taken = np.stack([_dilate_mask(m) for m in mask])
    for frame in frames:
        others = sorted(set(range(len(problem))) - {frame}, key=lambda other: abs(other - frame))
        stack = np.stack([_register_frame(problem, taken, frame, other) for other in others])
        # Of each pixel, only the frames nearest in time that see it.
        stack[np.cumsum(~np.isnan(stack[..., :1]), axis=0).repeat(3, axis=-1) > NEAREST_FRAMES] = np.nan
        known = taken[frame] & ~np.isnan(stack[..., 0]).all(axis=0)
        found[frame][known] = np.clip(np.rint(np.nanmedian(stack[:, known], axis=0)), 0, 255).astype(np.uint8)
    return found


def _register_frame(problem: SyntheticCase, taken: Mask, frame: int, other: int) -> NDArray[np.float32]:
    """(h, w, 3) frame `other` as the camera of `frame` sees its background, in the light of `frame`; NaN is unknown."""
    way = np.eye(3)
    step = 1 if other > frame else -1
    for now in range(frame, other, step):
        flow, valid = problem.step(now, now + step)
        way = estimate_camera_motion(flow, valid & ~taken[now]).homography @ way
    flow = compute_camera_flow(way, *problem.size)
    known = find_targets_inside(flow) & (warp_image(taken[other].astype(np.float32), flow) == 0)
    laid = warp_image(problem.images[other].astype(np.float32), flow)
    both = known & ~taken[frame]
    if both.any():
        laid *= problem.images[frame][both].mean(axis=0) / np.maximum(laid[both].mean(axis=0), 1)
    return np.where(known[..., None], laid, np.nan).astype(np.float32)


def _dilate_mask(mask: Mask) -> Mask:
    """(h, w) with the pixels that its soft edge colours."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * SOFT_EDGE_PX + 1,) * 2, np.uint8)).astype(np.bool_)


def render_without_actor(problem: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames as the field's volume renders them without the thing (tasks/plane_volume/object_removal.py)."""
    return dict(remove_object(fit_case_volume(problem, mask), list(problem.images), list(mask), frames))


REMOVERS: Mapping[str, RemovalMethod] = {
    "inpaint": inpaint_frames,
    "plate": composite_background,
    "field": render_without_actor,
}
"""Who takes part."""
