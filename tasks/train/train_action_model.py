"""A training from labels to model: look, hold out, learn, weigh the streams, learn for good, measure.

The streams' weights come from folds of the training videos, in which every video is judged by streams that did not see
it; the held-out videos have no part in anything but the metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.action_model import ActionModel, LinearHead, TemporalStream
from tasks.errors import BadInput
from tasks.fingerprint import fingerprint_module, library_version
from tasks.progress import track_progress
from tasks.streams.fusion import EQUAL_WEIGHTS, fit_fusion_weights, fuse_probabilities
from tasks.train.classification_metrics import compute_metrics, mark_predicted
from tasks.train.label_segments import LABELS_FILE, LabelSegment, TrainingVideos, load_label_segments
from tasks.train.split_videos import make_folds, select_held_out
from tasks.train.stream_features import (
    LIBRARIES,
    FeatureCache,
    StreamFeatures,
    TrainContext,
    compute_feature_key,
    extract_stream_features,
    hash_json,
)
from tasks.train.stream_training import TrainingData, nan_probabilities, train_spatial_stream, train_temporal_stream

if TYPE_CHECKING:
    from tasks.train.params import TrainParams

TrainStream = Callable[[Indices], tuple[Any, NDArray[np.float64]]]
"""A stream that learns from rows, and its opinions about all of them."""


def train_action_model(footage: TrainingVideos, labels: ActionLabels, means: TrainContext) -> ActionModel:
    """The model of `labels`; BadInput where there are fewer than two labels, or a row fits no video."""
    names, params = labels.labels, means.params
    if len(names) < 2:
        raise BadInput(
            f"{LABELS_FILE} must hold at least two labels, got {', '.join(names) or 'none'}; add rows of others"
        )
    if params.spatial == params.temporal == "none":
        raise BadInput("train.spatial or train.temporal must be there to learn something, got none for both")
    shelf = FeatureCache.open()
    rows, looks, keys = _extract_features(footage, labels, means, shelf)
    material = TrainingData(looks, np.array([names.index(row.label) for row in rows]), len(names))
    away = _select_held_out_videos(rows, material, params)
    learning = np.flatnonzero([row.video not in away for row in rows])
    missing = [name for number, name in enumerate(names) if number not in material.labels[learning]]
    if missing:
        raise BadInput(
            f"{LABELS_FILE} must leave a row of every label to train on, got none of {', '.join(missing)}; mend split"
        )
    states = _Checkpoints(
        shelf, {"looks": keys, "labels": material.labels.tolist(), "made by": _describe_environment(means)}
    )

    def see(rows: Indices) -> tuple[LinearHead | None, NDArray[np.float64]]:
        return train_spatial_stream(material, rows, means)

    def follow(rows: Indices) -> tuple[TemporalStream | None, NDArray[np.float64]]:
        return train_temporal_stream(material, rows, means, states.of(rows))

    weights, note = fit_stream_weights(material, learning, [row.video for row in rows], params, (see, follow))
    (spatial, rgb), (temporal, flow) = see(learning), follow(learning)
    weights = weights if spatial and temporal else (float(spatial is not None), float(temporal is not None))
    measuring = np.flatnonzero([row.video in away for row in rows])
    streams = {"spatial": rgb[measuring], "temporal": flow[measuring]}
    metrics = compute_metrics(
        streams | {"fused": fuse_probabilities(streams["spatial"], streams["temporal"], weights)},
        material.labels[measuring],
        names,
    )
    metrics |= {"trained": len(learning), "held_out_videos": sorted(away), "fusion": note,
                "without_motion": int((~mark_predicted(flow)).sum())}  # fmt: skip
    states.forget()
    return ActionModel(names, "team", spatial, temporal, params.region, weights, metrics)


def fit_stream_weights(
    material: TrainingData,
    learning: Indices,
    videos: Sequence[str],
    params: TrainParams,
    learn: tuple[TrainStream, TrainStream],
) -> tuple[tuple[float, float], str]:
    """The streams' weights, and where they come from; `learn` are the spatial and the temporal stream."""
    if params.fusion == "weighted":
        return (params.spatial_share, 1 - params.spatial_share), "weighted"
    if params.fusion == "average" or "none" in (params.spatial, params.temporal):
        return EQUAL_WEIGHTS, "average"
    labels = material.labels
    parts = make_folds(_group_labels_by_video(learning, videos, labels), params.folds, params.seed)
    if len(parts) < 2:
        return EQUAL_WEIGHTS, "average: a label has one video, too few to learn weights"
    rgb, flow = nan_probabilities(material), nan_probabilities(material)
    for part in parts:
        inside = np.array([videos[row] in part for row in learning])
        judged = learning[inside]
        for found, stream in zip((rgb, flow), learn, strict=True):
            found[judged] = stream(learning[~inside])[1][judged]
    both = learning[mark_predicted(rgb[learning]) & mark_predicted(flow[learning])]
    if not len(both):
        return EQUAL_WEIGHTS, "average: no video is long enough for both streams"
    return fit_fusion_weights(rgb[both], flow[both], labels[both]), f"learned on {len(parts)} folds"


@dataclass
class _Checkpoints:
    """Files in which trainings keep what is done, one for each part of the rows that is learned from."""

    shelf: FeatureCache
    made_of: Mapping[str, Any]
    files: list[Path] = field(default_factory=list[Path])

    def of(self, rows: Indices) -> Path:
        """The file for a training on `rows`."""
        path = self.shelf.folder / f"{hash_json({**self.made_of, 'rows': rows.tolist()})}.pt"
        self.files.append(path)
        return path

    def forget(self) -> None:
        """Drop them all: the result is there."""
        for path in self.files:
            path.unlink(missing_ok=True)


def _describe_environment(means: TrainContext) -> dict[str, Any]:
    return {
        "params": means.params.model_dump(mode="json"),
        "code": dict(fingerprint_module(__name__)),
        "libraries": {name: library_version(name) for name in LIBRARIES},
        "device": means.device.partition(":")[0],
    }


def _extract_features(
    footage: TrainingVideos, labels: ActionLabels, means: TrainContext, shelf: FeatureCache
) -> tuple[list[LabelSegment], list[StreamFeatures], list[str]]:
    """Every row with what the streams see of it, from the shelf where it was seen before, and its key there."""
    rows: list[LabelSegment] = []
    looks: list[StreamFeatures] = []
    keys: list[str] = []
    with track_progress("train", "looking at labels", len(labels.rows), logged=True) as step:
        for row, opened in load_label_segments(labels, footage, means.params.region):
            flow = footage.dense_flow.paths[row.video]
            key = compute_feature_key(row, (footage.frames.paths[row.video], flow), means.params)
            found = shelf.get(key)
            if found is None:
                found = extract_stream_features(row, opened, flow, means)
                shelf.put(key, found)
            rows.append(row)
            looks.append(found)
            keys.append(key)
            step(row.video)
    return rows, looks, keys


def _select_held_out_videos(
    rows: Sequence[LabelSegment], material: TrainingData, params: TrainParams
) -> frozenset[str]:
    """Names of the videos that are measured on: as the labels say, where any of them says."""
    if any(row.row.split for row in rows):
        return frozenset(row.video for row in rows if row.row.split == "held-out")
    every = np.arange(len(rows))
    return select_held_out(
        _group_labels_by_video(every, [row.video for row in rows], material.labels), params.held_out, params.seed
    )


def _group_labels_by_video(rows: Indices, videos: Sequence[str], labels: NDArray[np.int_]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for row in map(int, rows):
        found.setdefault(videos[row], set()).add(int(labels[row]))
    return {video: frozenset(numbers) for video, numbers in found.items()}
