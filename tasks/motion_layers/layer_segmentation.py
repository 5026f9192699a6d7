"""Segmentation of a sequence into motion layers: objects that move differently from the camera, with masks over time.

Wang and Adelson, "Representing Moving Images with Layers" (IEEE Transactions on Image Processing 3, 1994): each layer
has a support and an affine motion. Steps:

1. Point trajectories (point_trajectories.py), clustered over all frames together (trajectory_clustering.py), so that an
   object stays one layer while it pauses, or when an occluder splits it.
2. Clusters whose motion is the camera's are background; small and short ones are dropped.
3. Each pixel takes the layer of the trajectory that is nearest in position and motion.
4. Layers that are parts of one object are merged (layer_merging.py). A fully occluded layer keeps its last motion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Floats32, FlowField, Indices, Mask, Matrix, Points32
from tasks.geometry.warp import pixel_grid
from tasks.motion_layers.layer_merging import merge_layers
from tasks.motion_layers.motion_layer import MotionLayer, fit_affine_motion
from tasks.motion_layers.point_trajectories import STRIDE_PX, Trajectories, trace_trajectories
from tasks.motion_layers.trajectory_clustering import ClusterLabels, cluster_trajectories
from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.frame_pair_motion import FramePairMotion

MIN_LAYER_MOTION_PX = 0.7  # median difference from the camera's motion: three times DIS's mean error on Middlebury
MIN_POINTS = 4  # of a layer, in some frame: 64 px
MIN_POINT_FRAMES = 24  # points times frames
MAX_LAYERS = 24  # those of most points times frames
NEAREST_POINTS = 5  # candidates per block of pixels
BLOCK_PX = 2  # along each side of a block, whose pixels have the same candidates
MOTION_SCALE_PX = 0.5  # a difference of motion that counts as much as one lattice stride
LayerIndexMap = NDArray[np.int16]
"""(h, w) the layer at each pixel, -1 for the background."""


def segment_layers(
    motions: Mapping[int, FramePairMotion], cameras: Mapping[int, Matrix], ignored: Mapping[int, Mask], count: int
) -> list[MotionLayer]:
    """The motion layers of `count` frames, from the motion of each frame to the next and the camera's.

    Pixels under the `ignored` masks belong to no layer.
    """
    if not motions:
        return []
    height, width = next(iter(motions.values())).valid.shape
    used = {n: _invalidate_masked(motion, ignored[n], ignored[n + 1]) for n, motion in motions.items()}
    at = trace_trajectories(used, count, height, width)
    clusters = _number_layers(at, cluster_trajectories(at), cameras)
    layers = [MotionLayer() for _ in range(int(clusters.max(initial=-1)) + 1)]
    for frame in range(count):
        vectors = _frame_motion(used, frame, height, width)
        numbers = _assign_pixels(at[:, frame], clusters, vectors)
        numbers[ignored[frame]] = -1
        for number in np.unique(numbers[numbers >= 0]).tolist():
            mask = numbers == number
            layers[number].masks[frame] = mask
            motion = used.get(frame)
            if motion is not None and (valid := mask & motion.valid).any():
                layers[number].transforms[frame] = fit_affine_motion(motion.forward, valid)
    return merge_layers(layers, used)


def _invalidate_masked(motion: FramePairMotion, here: Mask, there: Mask) -> FramePairMotion:
    """The motion, not valid under the masks of either frame."""
    return FramePairMotion(motion.forward, motion.backward, motion.valid & ~here, motion.valid_backward & ~there)


def _number_layers(at: Trajectories, clusters: ClusterLabels, cameras: Mapping[int, Matrix]) -> ClusterLabels:
    """(n,) layer of each trajectory, by descending size; -1 for the background, -2 for clusters that are too small."""
    live = ~np.isnan(at[..., 0])
    count = int(clusters.max(initial=-1)) + 1
    point_frames = np.bincount(clusters, live.sum(axis=1), count)
    most = np.zeros(count)
    for frame in range(at.shape[1]):
        most = np.maximum(most, np.bincount(clusters[live[:, frame]], minlength=count))
    residual = _camera_residual(at, cameras)
    found = np.full(count, -2, np.intp)
    number = 0
    for cluster in np.argsort(-point_frames, kind="stable"):
        if point_frames[cluster] < MIN_POINT_FRAMES or most[cluster] < MIN_POINTS:
            continue
        if np.nanmedian(residual[clusters == cluster]) <= MIN_LAYER_MOTION_PX:
            found[cluster] = -1
        elif number < MAX_LAYERS:
            found[cluster] = number
            number += 1
    return found[clusters]


def _camera_residual(at: Trajectories, cameras: Mapping[int, Matrix]) -> Floats32:
    """(n,) largest distance of each trajectory from the camera's motion in any step, px; NaN without any step."""
    found = np.full(len(at), np.nan, np.float32)
    for frame in range(at.shape[1] - 1):
        if frame not in cameras:
            continue
        camera = cameras[frame]
        live = np.flatnonzero(~np.isnan(at[:, frame : frame + 2, 0]).any(axis=1))
        expected = np.column_stack([at[live, frame], np.ones(len(live))]) @ camera.T
        gap = np.linalg.norm(at[live, frame + 1] - expected[:, :2] / expected[:, 2:], axis=1)
        found[live] = np.fmax(found[live], gap)
    return found


def _frame_motion(motions: Mapping[int, FramePairMotion], frame: int, height: int, width: int) -> FlowField:
    """(h, w, 2) motion of each pixel: to the next frame, or, where that is not valid, from the previous one."""
    ahead, behind = motions.get(frame), motions.get(frame - 1)
    came = np.zeros((height, width, 2), np.float32) if behind is None else -behind.backward
    return came if ahead is None else np.where(ahead.valid[..., None], ahead.forward, came)


def _assign_pixels(at: Points32, clusters: ClusterLabels, vectors: FlowField) -> LayerIndexMap:
    """Of each pixel the layer of the point nearest in position and motion."""
    height, width = vectors.shape[:2]
    live = np.flatnonzero(~np.isnan(at[:, 0]) & (clusters >= -1))
    if not len(live):
        return np.full((height, width), -1, np.int16)
    near = _find_near_points(at[live], _block_centres(height, width))
    near = near.repeat(BLOCK_PX, axis=0).repeat(BLOCK_PX, axis=1)[:height, :width]
    own = sample_bilinear(vectors, at[live][None])[0]
    distance = _measure_lengths(at[live][near] - pixel_grid(height, width)[:, :, None])
    difference = _measure_lengths(own[near] - vectors[:, :, None])
    best = (distance / STRIDE_PX + difference / MOTION_SCALE_PX).argmin(axis=2)
    return clusters[live[np.take_along_axis(near, best[..., None], axis=2)[..., 0]]].astype(np.int16)


def _block_centres(height: int, width: int) -> FlowField:
    """(rows, columns, 2) x, y of the centres of the blocks of pixels that cover a frame."""
    grid = pixel_grid(-(-height // BLOCK_PX), -(-width // BLOCK_PX))
    return grid * np.float32(BLOCK_PX) + np.float32((BLOCK_PX - 1) / 2)


def _find_near_points(points: Points32, at: FlowField) -> Indices:
    """(h, w, count) the points nearest to each of (h, w, 2) positions."""
    from scipy.spatial import KDTree

    tree: Any = KDTree(points)
    _, near = tree.query(at.reshape(-1, 2), k=[*range(1, min(NEAREST_POINTS, len(points)) + 1)])
    return near.reshape(*at.shape[:2], -1)


def _measure_lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(...) Euclidean lengths of (..., 2) vectors."""
    return np.hypot(vectors[..., 0], vectors[..., 1])
