"""Agreement of two artifacts of one class, as one number whose bound stands in tolerances.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.actions import Actions
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.poses import Poses
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow

MIN_SCORE = 0.3
"""Of the boxes that the other device must have: `track.high_score`."""
MIN_IOU = 0.9
MAX_KEYPOINT_PX = 2.0
SAME_PX = 0.01
"""Displacements of semantic flow are stored in float16."""


def compare_detections(first: Detections, second: Detections) -> float:
    """Share of the boxes of either that the other has, with the same class; the smaller of the two shares."""
    return min(_share_found(first, second), _share_found(second, first))


def _share_found(wanted: Detections, others: Detections) -> float:
    rows = np.flatnonzero(wanted.score >= MIN_SCORE)
    found = [
        compute_iou(wanted.xyxy[row], others.xyxy[same]).max(initial=0.0) >= MIN_IOU
        for row in rows
        for same in [(others.frame == wanted.frame[row]) & (others.class_id == wanted.class_id[row])]
    ]
    return float(np.mean(found)) if found else 1.0


def compute_iou(box: NDArray[Any], boxes: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) intersection over union of one xyxy box with (n, 4)."""
    sides = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    inner = sides.prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - inner
    return inner / np.maximum(union, np.finfo(np.float32).tiny)


def compare_dense_flow(first: DenseFlow, second: DenseFlow) -> float:
    """Mean distance of the forward flow vectors of all pairs, px; NaN without a pair."""
    distances = [np.linalg.norm(first.forward(n) - second.forward(n), axis=-1).mean() for n in range(len(first))]
    return float(np.mean(distances)) if distances else float("nan")


def compare_features(first: Features, second: Features) -> float:
    """Mean cosine of the vectors of the frames that have any; -1 where only one of the two has a frame."""
    means: list[float] = []
    for frame in range(len(first)):
        one, two = first.vectors(frame), second.vectors(frame)
        if (one is None) != (two is None):
            return -1.0
        if one is not None and two is not None:
            means.append(float((_normalize(one) * _normalize(two)).sum(axis=-1).mean()))
    return float(np.mean(means)) if means else float("nan")


def _normalize(vectors: NDArray[Any]) -> NDArray[np.float64]:
    wide = vectors.astype(np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=-1, keepdims=True), np.finfo(np.float32).tiny)


def compare_semantic_flow(first: SemanticFlow, second: SemanticFlow) -> float:
    """Share of the cells of all pairs whose displacements are the same, up to SAME_PX."""
    shares = [(np.abs(first.flow(row) - second.flow(row)).max(axis=-1) <= SAME_PX).mean() for row in range(len(first))]
    return float(np.mean(shares)) if shares else float("nan")


def compare_poses(first: Poses, second: Poses) -> float:
    """Share of the poses of `first` that `second` has, by frame and track, with near keypoints."""
    there = {(int(f), int(t)): row for row, (f, t) in enumerate(zip(second.frame, second.track_id, strict=True))}
    near: list[bool] = []
    for row, key in enumerate(zip(first.frame.tolist(), first.track_id.tolist(), strict=True)):
        other, trusted = there.get(key), first.trusted[row]
        if other is None or not trusted.any():
            near.append(other is not None)
            continue
        apart = np.linalg.norm(first.xy[row] - second.xy[other], axis=-1)[trusted].mean()
        near.append(bool(apart <= MAX_KEYPOINT_PX))
    return float(np.mean(near)) if near else 1.0


def compare_actions(first: Actions, second: Actions) -> float:
    """Largest difference of the probability of a first label of `first`; 1 where `second` does not list it."""
    there = dict(zip(_list_action_keys(second), second.probability.tolist(), strict=True))
    apart = [
        abs(probability - there[key]) if key in there else 1.0
        for key, probability, best in zip(
            _list_action_keys(first), first.probability.tolist(), first.best.tolist(), strict=True
        )
        if best
    ]
    return max(apart, default=0.0)


def _list_action_keys(actions: Actions) -> list[tuple[Any, ...]]:
    columns = (actions.window, actions.stream, actions.track_id, actions.label)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def compare_semantic_fields(first: SemanticField, second: SemanticField) -> float:
    """Share of the pixels of all maps with the same label; NaN without a map, 0 for other frames."""
    if list(first.frames) != list(second.frames):
        return 0.0
    shares = [(first.map(row).label == second.map(row).label).mean() for row in range(len(first))]
    return float(np.mean(shares)) if shares else float("nan")


COMPARISONS: Mapping[type[Artifact], Callable[[Any, Any], float]] = MappingProxyType(
    {
        Detections: compare_detections,
        DenseFlow: compare_dense_flow,
        Features: compare_features,
        SemanticFlow: compare_semantic_flow,
        Poses: compare_poses,
        Actions: compare_actions,
        SemanticField: compare_semantic_fields,
    }
)
"""Artifacts that stages with a CUDA path make, to their measure of agreement."""
