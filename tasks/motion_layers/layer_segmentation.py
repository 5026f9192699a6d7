"""What moves by itself, as layers: groups of trajectories that are not the camera's, each with its outline over time.

Wang and Adelson, "Representing Moving Images with Layers" (IEEE Transactions on Image Processing 3, 1994): each layer
has a support and an affine motion. Here a layer is what moves as one over all frames that are looked at together
(grouping.py), so that it stays itself while it rests beside another, and stays one behind what parts it in two. Where
it is hidden altogether, it moves on as it last did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask, Matrix
from tasks.geometry.warp import pixel_grid
from tasks.motion_layers.layer_merging import merge_layers
from tasks.motion_layers.motion_layer import MotionLayer, fit_affine_motion
from tasks.motion_layers.point_trajectories import STRIDE_PX, Trajectories, trace_trajectories
from tasks.motion_layers.trajectory_clustering import ClusterLabels, cluster_trajectories
from tasks.sequence.flow_trajectory import sample_bilinear
from tasks.sequence.sequence_view import FramePairMotion

MIN_LAYER_MOTION_PX = 0.7  # off the camera's motion, in the middle: three times DIS's mean error on Middlebury
LEAST_POINTS = 4  # of a layer, in some frame: 64 px
LEAST_LIFE = 24  # points times frames
MOST_LAYERS = 24  # those that are seen most
NEAREST = 5  # points that a pixel may belong to
MOTION_PX = 0.5  # a difference of motion that counts as much as one cell of the lattice
Numbers = NDArray[np.int16]
"""(h, w) the layer seen at each pixel, -1 for the backdrop."""


def segment_layers(
    motions: Mapping[int, FramePairMotion], cameras: Mapping[int, Matrix], hidden: Mapping[int, Mask], count: int
) -> list[MotionLayer]:
    """The layers of `count` frames, from the motion of each frame to the next, the camera's, and what to ignore.

    `hidden` masks are no part of any layer.
    """
    if not motions:
        return []
    height, width = next(iter(motions.values())).valid.shape
    open_to = {n: _without(motion, hidden[n], hidden[n + 1]) for n, motion in motions.items()}
    at = trace_trajectories(open_to, count, height, width)
    groups = _numbered(at, cluster_trajectories(at), cameras)
    layers = [MotionLayer() for _ in range(int(groups.max(initial=-1)) + 1)]
    for frame in range(count):
        moves = _moves(open_to, frame, height, width)
        numbers = _dense(at[:, frame], groups, moves)
        numbers[hidden[frame]] = -1
        for number in np.unique(numbers[numbers >= 0]).tolist():
            mask = numbers == number
            layers[number].masks[frame] = mask
            motion = open_to.get(frame)
            if motion is not None and (seen := mask & motion.valid).any():
                layers[number].steps[frame] = fit_affine_motion(motion.forward, seen)
    return merge_layers(layers, open_to)


def _without(motion: FramePairMotion, here: Mask, there: Mask) -> FramePairMotion:
    """A motion that is not trusted under the masks of either frame."""
    return FramePairMotion(motion.forward, motion.backward, motion.valid & ~here, motion.valid_backward & ~there)


def _numbered(at: Trajectories, groups: ClusterLabels, cameras: Mapping[int, Matrix]) -> ClusterLabels:
    """(n,) layer of each trajectory: those seen most first; -1 for the backdrop, -2 for what is too small."""
    live = ~np.isnan(at[..., 0])
    count = int(groups.max(initial=-1)) + 1
    life = np.bincount(groups, live.sum(axis=1), count)
    most = np.zeros(count)
    for frame in range(at.shape[1]):
        most = np.maximum(most, np.bincount(groups[live[:, frame]], minlength=count))
    apart = _off_camera(at, cameras)
    found = np.full(count, -2, np.intp)
    number = 0
    for group in np.argsort(-life, kind="stable"):
        if life[group] < LEAST_LIFE or most[group] < LEAST_POINTS:
            continue
        if np.nanmedian(apart[groups == group]) <= MIN_LAYER_MOTION_PX:
            found[group] = -1
        elif number < MOST_LAYERS:
            found[group] = number
            number += 1
    return found[groups]


def _off_camera(at: Trajectories, cameras: Mapping[int, Matrix]) -> NDArray[np.float32]:
    """(n,) the farthest that each trajectory moves off the camera's motion in any step, px; NaN where it makes none."""
    found = np.full(len(at), np.nan, np.float32)
    for frame in range(at.shape[1] - 1):
        if frame not in cameras:
            continue
        camera = cameras[frame]
        live = np.flatnonzero(~np.isnan(at[:, frame : frame + 2, 0]).any(axis=1))
        moved = np.column_stack([at[live, frame], np.ones(len(live))]) @ camera.T
        gap = np.linalg.norm(at[live, frame + 1] - moved[:, :2] / moved[:, 2:], axis=1)
        found[live] = np.fmax(found[live], gap)
    return found


def _moves(motions: Mapping[int, FramePairMotion], frame: int, height: int, width: int) -> FlowField:
    """(h, w, 2) how each pixel of a frame moves: to the next, or, where that is not known, as it came from the last."""
    ahead, behind = motions.get(frame), motions.get(frame - 1)
    came = np.zeros((height, width, 2), np.float32) if behind is None else -behind.backward
    return came if ahead is None else np.where(ahead.valid[..., None], ahead.forward, came)


def _dense(at: NDArray[np.float32], groups: ClusterLabels, moves: FlowField) -> Numbers:
    """Of each pixel the layer of the point that is near and moves alike."""
    from scipy.spatial import KDTree

    height, width = moves.shape[:2]
    live = np.flatnonzero(~np.isnan(at[:, 0]) & (groups >= -1))
    if not len(live):
        return np.full((height, width), -1, np.int16)
    count = min(NEAREST, len(live))
    tree: Any = KDTree(at[live])
    distance, near = tree.query(pixel_grid(height, width).reshape(-1, 2), k=[*range(1, count + 1)])
    own = sample_bilinear(moves, at[live][None])[0]
    differs = np.linalg.norm(own[near] - moves.reshape(-1, 1, 2), axis=2)
    best = (distance / STRIDE_PX + differs / MOTION_PX).argmin(axis=1)
    return groups[live[near[np.arange(len(near)), best]]].astype(np.int16).reshape(height, width)
