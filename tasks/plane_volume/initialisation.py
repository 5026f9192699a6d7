"""Initial plane volume: motion layers in their planes, with the opacity of their masks and the motion of dense flow.

Where a layer is occluded by a nearer one, its opacity comes from its masks in other frames, moved by its affine motion,
and its motion is the affine motion there. Elsewhere motion is extrapolated by normalised convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32, FlowField, Indices, Mask, Matrix
from tasks.geometry.homography import compute_camera_flow
from tasks.geometry.warp import pixel_grid
from tasks.motion_layers.layer_segmentation import MIN_LAYER_MOTION_PX, segment_layers
from tasks.motion_layers.motion_layer import MotionLayer
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE, PlaneIndices, assign_planes, make_layer_map
from tasks.sequence.frame_pair_motion import FramePairMotion

MAX_FRAMES_AWAY = 8  # frames from which masks are moved to where a layer is occluded
VISIBLE_OPACITY, EMPTY_OPACITY = 0.97, 0.02
EXTRAPOLATION_SIGMAS_PX = (2.0, 8.0, 32.0)  # of motion beyond a mask, each for what the previous leaves open
RIM_PX = 7  # twice the width over which DIS blurs a motion edge
OCCLUDED_MOTION_WEIGHT = 0.05  # against 1 of visible motion


@dataclass(frozen=True, eq=False)
class InitialVolume:
    """Opacity and motion of each plane, on the pixels of each frame."""

    planes: int
    opacity: Floats32
    """(t, planes, h, w) 0..1; the background's is 1."""
    motion: Floats32
    """(t - 1, planes, h, w, 2) to the next frame, px; 0 over a cut."""
    layers: Sequence[MotionLayer]
    plane: PlaneIndices


def initialise_volume(
    motions: Mapping[int, FramePairMotion],
    cameras: Mapping[int, Matrix],
    count: int,
    size: tuple[int, int],
    max_planes: int,
) -> InitialVolume:
    """The initial volume of `count` frames; `cameras` are homographies from each frame to the next."""
    nothing = {n: np.zeros(size, np.bool_) for n in range(count)}
    layers = segment_layers(motions, cameras, nothing, count)
    plane = assign_planes(layers, motions, size, max_planes)
    planes = int(plane.max(initial=0)) + 1
    numbers = [make_layer_map(layers, frame, size) for frame in range(count)]
    opacity = np.zeros((count, planes, *size), np.float32)
    motion = np.zeros((max(0, count - 1), planes, *size, 2), np.float32)
    for frame in range(count):
        opacity[frame] = _frame_opacity(layers, plane, numbers, frame, planes)
        if frame in motions:
            # The camera's motion is exact everywhere; the residual motion is small and can be extrapolated.
            still = compute_camera_flow(cameras[frame], *size)
            residual = _plane_motion(
                layers, plane, motions[frame], still, opacity[frame], numbers[frame], frame
            )  # fmt: skip
            motion[frame] = residual + still
    return InitialVolume(planes, opacity, motion, layers, plane)


def _frame_opacity(
    layers: Sequence[MotionLayer], plane: PlaneIndices, numbers: Sequence[NDArray[np.uint8]], frame: int, planes: int
) -> Floats32:
    """(planes, h, w) of one frame."""
    depth = np.concatenate([[BACKGROUND_PLANE], plane])
    front = depth[numbers[frame]]
    found = np.full((planes, *front.shape), EMPTY_OPACITY, np.float32)
    found[BACKGROUND_PLANE] = 1
    for number, layer in enumerate(layers, start=1):
        k = depth[number]
        occluded = front > k
        if occluded.any():
            expected = _expected_opacity(layer, int(k), depth, numbers, frame, occluded)
            found[k][occluded] = np.maximum(found[k][occluded], expected)
        if frame in layer.masks:
            found[k][layer.masks[frame]] = VISIBLE_OPACITY
    return found


def _expected_opacity(  # noqa: PLR0917
    layer: MotionLayer, k: int, depth: Indices, numbers: Sequence[NDArray[np.uint8]], frame: int, occluded: Mask
) -> Floats32:
    """(n,) opacity of a layer at the n `occluded` pixels, by its masks in other frames, moved here.

    Pixels that are occluded there do not count.
    """
    rows, columns = np.nonzero(occluded)
    at = np.stack([columns, rows, np.ones_like(rows)]).astype(np.float64)
    inside, total = np.zeros((2, len(rows)), np.float32)
    for other in range(max(0, frame - MAX_FRAMES_AWAY), min(len(numbers), frame + MAX_FRAMES_AWAY + 1)):
        if other == frame or other not in layer.masks:
            continue
        column, row = np.rint(layer.transform_between(frame, other)[:2] @ at).astype(np.intp)
        height, width = numbers[other].shape
        shown = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        there = np.where(shown, row * width + column, 0)
        weight = np.float32(1 / abs(other - frame)) * shown
        inside += weight * layer.masks[other].reshape(-1)[there]
        total += weight * (depth[numbers[other].reshape(-1)[there]] <= k)
    share = np.where(total > 0, inside / np.maximum(total, np.float32(1e-6)), 0).astype(np.float32)
    return share * np.float32(VISIBLE_OPACITY)


def _plane_motion(  # noqa: PLR0917  one caller, which has all of them as local values
    layers: Sequence[MotionLayer],
    plane: PlaneIndices,
    motion: FramePairMotion,
    still: FlowField,
    opacity: Floats32,
    numbers: NDArray[np.uint8],
    frame: int,
) -> Floats32:
    """(planes, h, w, 2) motion of each plane to the next frame, less the flow `still` of the static background.

    Dense flow where the plane is visible, the layer's affine motion where it is occluded, extrapolated elsewhere.
    """
    depth = np.concatenate([[BACKGROUND_PLANE], plane])
    front = depth[numbers]
    found = np.empty((*opacity.shape, 2), np.float32)
    residual = motion.forward - still
    rim = _thin_parts((_flow_length(residual) > MIN_LAYER_MOTION_PX) & (front == BACKGROUND_PLANE))
    for k in range(len(opacity)):
        weight = ((front == k) & motion.valid & ~rim).astype(np.float32)
        vectors = residual * weight[..., None]
        nearer = front > k
        for layer in (layer for layer, p in zip(layers, plane, strict=True) if p == k and layer.transforms):
            if not nearer.any():
                break
            occluded = np.float32(OCCLUDED_MOTION_WEIGHT) * opacity[k] * nearer
            occluded = occluded * _moved_support(layer, occluded, frame)
            affine = _affine_flow(layer.transform_between(frame, frame + 1), occluded.shape)
            vectors += occluded[..., None] * (affine - still)
            weight += occluded
        found[k] = _extrapolate_motion(vectors, weight)
    return found


def _flow_length(flow: FlowField) -> Floats32:
    return np.hypot(flow[..., 0], flow[..., 1])


def _thin_parts(mask: Mask) -> Mask:
    """(h, w) parts of a mask narrower than RIM_PX: the blurred motion edge of a layer, not an object without layer."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((RIM_PX, RIM_PX), np.uint8))
    return mask & (opened == 0)


def _moved_support(layer: MotionLayer, like: Floats32, frame: int) -> Floats32:
    """(h, w) a layer's mask in the frame nearest to this one, moved here."""
    nearest = min(layer.masks, key=lambda n: abs(n - frame))
    height, width = like.shape
    transform = layer.transform_between(nearest, frame)[:2]
    return cv2.warpAffine(layer.masks[nearest].astype(np.float32), transform, (width, height)).astype(np.float32)


def _affine_flow(transform: Matrix, size: tuple[int, int]) -> FlowField:
    grid = pixel_grid(*size)
    return (
        grid @ transform[:2, :2].T.astype(np.float32) + transform[:2, 2].astype(np.float32) - grid
    ).astype(np.float32)  # fmt: skip


def _extrapolate_motion(vectors: FlowField, weight: Floats32) -> FlowField:
    """(h, w, 2) the weighted vectors, and for what weights leave open extrapolated ones."""
    if not weight.any():
        return np.zeros_like(vectors)
    height, width = weight.shape
    beyond: Any = cv2.resize(_convolve_motion(vectors, weight), (width, height), interpolation=cv2.INTER_LINEAR)
    return vectors + np.maximum(0, 1 - weight)[..., None] * beyond


def _convolve_motion(vectors: FlowField, weight: Floats32) -> FlowField:
    """Extrapolated vectors at half the resolution: normalised convolution with growing Gaussians, then the mean."""
    known = np.dstack([vectors, weight])
    found = total = np.zeros(1, np.float32)
    for sigma in EXTRAPOLATION_SIGMAS_PX:
        around = _blur_coarsely(known, sigma)
        share = (1 - total) * np.minimum(1, around[..., 2:] * 50)
        found = found + share * around[..., :2] / np.maximum(around[..., 2:], np.float32(1e-9))
        total = total + share
    mean = (vectors.sum(axis=(0, 1)) / weight.sum()).astype(np.float32)
    return (found + (1 - total) * mean).astype(np.float32)


def _blur_coarsely(values: Floats32, sigma: float) -> Floats32:
    """(h / 2, w / 2, c) Gaussian blur of (h, w, c) values, computed where a sigma is a pixel of the reduced image."""
    height, width = values.shape[:2]
    half = -(-width // 2), -(-height // 2)
    side = int(sigma)
    small: Any = cv2.resize(values, (-(-width // side), -(-height // side)), interpolation=cv2.INTER_AREA)
    blurred: Any = cv2.GaussianBlur(small, (0, 0), sigma / side)
    return cv2.resize(blurred, half, interpolation=cv2.INTER_LINEAR)
