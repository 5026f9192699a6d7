"""Object removal in synthetic scenes: background behind a removed actor against the scene rendered without it.

PSNR is over pixels whose background is visible in another frame, in all evaluated frames. Baselines: OpenCV's
inpainting (Telea, 2004) uses one frame alone; a background plate, the median of other frames registered by camera
motion, uses all frames but neither layers nor depth. The field's volume also models independently moving layers.
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
SOFT_EDGE_PX = 1  # dilation of masks: anti-aliased edges extend beyond them
NEAREST_FRAMES = 5  # frames in the plate at each pixel
FRAME_STRIDE = 4  # between evaluated frames

RemovalMethod = Callable[[SyntheticCase, Mask, Sequence[int]], Mapping[int, NDArray[np.uint8]]]
"""A case, the (t, h, w) mask of the object and the evaluated frames, to these frames without it."""


@dataclass(frozen=True)
class RemovalCase:
    """The actor that is removed, and the evaluated frames."""

    instance: int
    mask: Mask
    """(t, h, w) its pixels."""
    frames: tuple[int, ...]
    """Frames where it is visible and part of its background is visible in another frame."""


def choose_actor(scene: Scene) -> RemovalCase:
    """The actor with most visible pixels, in every FRAME_STRIDE-th frame."""
    actors = [layer.instance for layer in scene.layers[1:] if layer.class_id != POST]
    sizes = {instance: int((scene.instances == instance).sum()) for instance in actors}
    instance = max(actors, key=lambda actor: (sizes[actor], actor))
    frames = tuple(f for f in range(0, len(scene), FRAME_STRIDE) if scene.find_visible_behind(f, instance).any())
    return RemovalCase(instance, scene.instances == instance, frames)


def compute_psnr(scene: Scene, removal: RemovalCase, found: Mapping[int, NDArray[np.uint8]]) -> float:
    """PSNR over all evaluated pixels together, dB."""
    squares: list[NDArray[np.float64]] = []
    for frame in removal.frames:
        asked = scene.find_visible_behind(frame, removal.instance)
        truth = scene.render_without(frame, removal.instance).astype(np.float64)
        squares.append(((found[frame] - truth) ** 2)[asked].ravel())
    error = float(np.concatenate(squares).mean()) if squares else float("nan")
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def inpaint_frames(case: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames with the object inpainted from its surroundings in the same frame."""
    found: dict[int, NDArray[np.uint8]] = {}
    for frame in frames:
        filled = cv2.inpaint(
            case.images[frame], _dilate_mask(mask[frame]).astype(np.uint8), INPAINT_RADIUS_PX, cv2.INPAINT_TELEA
        )
        found[frame] = filled.astype(np.uint8, copy=False)
    return found


def composite_background(case: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames with the object filled by the median of the NEAREST_FRAMES registered frames, brightness matched."""
    found = inpaint_frames(case, mask, frames)
    taken = np.stack([_dilate_mask(m) for m in mask])
    for frame in frames:
        others = sorted(set(range(len(case))) - {frame}, key=lambda other: abs(other - frame))
        stack = np.stack([_register_frame(case, taken, frame, other) for other in others])
        # Of each pixel, only the frames nearest in time in which it is visible.
        stack[np.cumsum(~np.isnan(stack[..., :1]), axis=0).repeat(3, axis=-1) > NEAREST_FRAMES] = np.nan
        known = taken[frame] & ~np.isnan(stack[..., 0]).all(axis=0)
        found[frame][known] = np.clip(np.rint(np.nanmedian(stack[:, known], axis=0)), 0, 255).astype(np.uint8)
    return found


def _register_frame(case: SyntheticCase, taken: Mask, frame: int, other: int) -> NDArray[np.float32]:
    """(h, w, 3) frame `other` registered to `frame` by camera motion, brightness matched; NaN where unknown."""
    way = np.eye(3)
    step = 1 if other > frame else -1
    for now in range(frame, other, step):
        flow, valid = case.neighbour_flow(now, now + step)
        way = estimate_camera_motion(flow, valid & ~taken[now]).homography @ way
    flow = compute_camera_flow(way, *case.size)
    known = find_targets_inside(flow) & (warp_image(taken[other].astype(np.float32), flow) == 0)
    laid = warp_image(case.images[other].astype(np.float32), flow)
    both = known & ~taken[frame]
    if both.any():
        laid *= case.images[frame][both].mean(axis=0) / np.maximum(laid[both].mean(axis=0), 1)
    return np.where(known[..., None], laid, np.nan).astype(np.float32)


def _dilate_mask(mask: Mask) -> Mask:
    """(h, w) mask dilated by SOFT_EDGE_PX."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * SOFT_EDGE_PX + 1,) * 2, np.uint8)).astype(np.bool_)


def render_without_actor(case: SyntheticCase, mask: Mask, frames: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """Frames rendered from the field's volume without the object (tasks/plane_volume/object_removal.py)."""
    return dict(remove_object(fit_case_volume(case, mask), list(case.images), list(mask), frames))


REMOVERS: Mapping[str, RemovalMethod] = {
    "inpaint": inpaint_frames,
    "plate": composite_background,
    "field": render_without_actor,
}
"""Name of each removal method to its function."""
