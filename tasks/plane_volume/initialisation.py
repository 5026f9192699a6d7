"""Where the volume starts from: layers in their planes, with the motion that dense flow has and the outlines seen.

Behind what is nearer, a layer is where the other frames say that it would be: its outline there, moved on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, FlowField, Mask
from tasks.geometry.homography import compute_camera_flow
from tasks.geometry.warp import pixel_grid
from tasks.motion_layers.layer_segmentation import MIN_LAYER_MOTION_PX, segment_layers
from tasks.motion_layers.motion_layer import MotionLayer
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE, PlaneIndices, assign_planes, make_layer_map
from tasks.sequence.sequence_view import FramePairMotion

REACH = 8  # frames over which an outline is moved on to where it is hidden
SEEN, NOT_SEEN = 0.97, 0.02  # opacity of what is seen there, and of what is not
SPREADS_PX = (2.0, 8.0, 32.0)  # over which motion is continued beyond an outline, each for what the last leaves open
RIM_PX = 7  # twice what DIS blurs the edge of a motion
HEARD = 0.05  # weight of the motion of what is hidden, against 1 of what is seen


@dataclass(frozen=True, eq=False)
class InitialVolume:
    """The volume as layers have it, on the pixels of each frame."""

    planes: int
    opacity: ClassProbabilities
    """(t, planes, h, w) 0..1; the backdrop's is 1."""
    motion: ClassProbabilities
    """(t - 1, planes, h, w, 2) to the next frame, px; the same as the frame before's over a cut."""
    layers: Sequence[MotionLayer]
    plane: PlaneIndices


def initialise_volume(
    motions: Mapping[int, FramePairMotion], cameras: Mapping[int, NDArray[np.float64]], count: int, size: tuple[int, int],
    most: int,
) -> InitialVolume:  # fmt: skip
    """The start of `count` frames; `cameras` are homographies from each frame to the next."""
    nothing = {n: np.zeros(size, np.bool_) for n in range(count)}
    layers = segment_layers(motions, cameras, nothing, count)
    plane = assign_planes(layers, motions, size, most)
    planes = int(plane.max(initial=0)) + 1
    numbers = [make_layer_map(layers, frame, size) for frame in range(count)]
    opacity = np.zeros((count, planes, *size), np.float32)
    motion = np.zeros((max(0, count - 1), planes, *size, 2), np.float32)
    for frame in range(count):
        opacity[frame] = _opacity(layers, plane, numbers, frame, planes)
        if frame in motions:
            # The camera's motion is exact everywhere; what is left is small, and is what can be continued.
            still = compute_camera_flow(cameras[frame], *size)
            motion[frame] = _motion(layers, plane, motions[frame], still, opacity[frame], numbers[frame], frame) + still
    return InitialVolume(planes, opacity, motion, layers, plane)


def _opacity(
    layers: Sequence[MotionLayer], plane: PlaneIndices, numbers: Sequence[NDArray[np.uint8]], frame: int, planes: int
) -> ClassProbabilities:
    """(planes, h, w) of one frame."""
    depth = np.concatenate([[BACKGROUND_PLANE], plane])
    shown = depth[numbers[frame]]
    found = np.full((planes, *shown.shape), NOT_SEEN, np.float32)
    found[BACKGROUND_PLANE] = 1
    for number, layer in enumerate(layers, start=1):
        k = depth[number]
        hidden = shown > k
        if hidden.any():
            found[k] = np.where(hidden, np.maximum(found[k], _expected(layer, int(k), depth, numbers, frame)), found[k])
        if frame in layer.masks:
            found[k][layer.masks[frame]] = SEEN
    return found


def _expected(
    layer: MotionLayer, k: int, depth: NDArray[np.intp], numbers: Sequence[NDArray[np.uint8]], frame: int
) -> ClassProbabilities:
    """(h, w) how far other frames, moved on, say that a layer is there; what is hidden in them has no say."""
    height, width = numbers[0].shape
    inside, total = np.zeros((2, height, width), np.float32)
    for other in range(max(0, frame - REACH), min(len(numbers), frame + REACH + 1)):
        if other == frame or other not in layer.masks:
            continue
        way = layer.way(other, frame)[:2]
        known = (depth[numbers[other]] <= k).astype(np.float32)
        mask = layer.masks[other].astype(np.float32)
        both: Any = cv2.warpAffine(np.stack([mask, known], axis=2), way, (width, height))
        weight = np.float32(1 / abs(other - frame))
        inside += weight * both[..., 0]
        total += weight * both[..., 1]
    return np.where(total > 0, inside / np.maximum(total, np.float32(1e-6)), 0).astype(np.float32) * np.float32(SEEN)


def _motion(  # noqa: PLR0917
    layers: Sequence[MotionLayer],
    plane: PlaneIndices,
    motion: FramePairMotion,
    still: FlowField,
    opacity: ClassProbabilities,
    numbers: NDArray[np.uint8],
    frame: int,
) -> ClassProbabilities:
    """(planes, h, w, 2) motion of each plane to the next frame, seen where it is seen and continued elsewhere.

    Beyond the motion `still` of what stands still.
    """
    depth = np.concatenate([[BACKGROUND_PLANE], plane])
    shown = depth[numbers]
    found = np.empty((*opacity.shape, 2), np.float32)
    apart = motion.forward - still
    rim = _thin((_length(apart) > MIN_LAYER_MOTION_PX) & (shown == BACKGROUND_PLANE))
    for k in range(len(opacity)):
        weight = ((shown == k) & motion.valid & ~rim).astype(np.float32)
        vectors = apart * weight[..., None]
        for layer in (layer for layer, p in zip(layers, plane, strict=True) if p == k and layer.steps):
            hidden = np.float32(HEARD) * opacity[k] * (shown > k)
            hidden = hidden * _owned(layer, hidden, frame)
            vectors += hidden[..., None] * (_affine_flow(layer.way(frame, frame + 1), hidden.shape) - still)
            weight += hidden
        found[k] = _continued(vectors, weight)
    return found


def _length(flow: FlowField) -> ClassProbabilities:
    return np.hypot(flow[..., 0], flow[..., 1])


def _thin(mask: Mask) -> Mask:
    """(h, w) what of a mask is narrower than RIM_PX: the edge of another thing, not a thing that no layer has."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((RIM_PX, RIM_PX), np.uint8))
    return mask & (opened == 0)


def _owned(layer: MotionLayer, hidden: ClassProbabilities, frame: int) -> ClassProbabilities:
    """(h, w) 1 where a layer may be on a frame: its outline in the nearest one, moved on."""
    nearest = min(layer.masks, key=lambda n: abs(n - frame))
    height, width = hidden.shape
    way = layer.way(nearest, frame)[:2]
    return cv2.warpAffine(layer.masks[nearest].astype(np.float32), way, (width, height)).astype(np.float32)


def _affine_flow(way: NDArray[np.float64], size: tuple[int, int]) -> FlowField:
    grid = pixel_grid(*size)
    return (grid @ way[:2, :2].T.astype(np.float32) + way[:2, 2].astype(np.float32) - grid).astype(np.float32)


def _continued(vectors: FlowField, weight: ClassProbabilities) -> FlowField:
    """(h, w, 2) weighted vectors by their weight, and beyond it their mean around, nearer ones first."""
    found = vectors.copy()
    total = weight.copy()
    for spread in SPREADS_PX:
        around: Any = cv2.GaussianBlur(np.dstack([vectors, weight]), (0, 0), spread)
        free = np.maximum(0, 1 - total)[..., None]
        share = np.minimum(1, around[..., 2:] * 50)
        found += free * share * around[..., :2] / np.maximum(around[..., 2:], np.float32(1e-9))
        total += (free * share)[..., 0]
    left = total < 1
    if weight.any():
        mean = (vectors.sum(axis=(0, 1)) / weight.sum()).astype(np.float32)
        found[left] += (1 - total[left])[:, None] * mean
    return found
