"""Training of an action model: extract features, split, cross-validate, calibrate, fit fusion weights, train, evaluate.

Temperatures, fusion weights and the shares of the motion stream's two heads come from cross-validation: every training
video is predicted by streams trained on the other folds. The held-out videos are used for the metrics alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices, Probabilities
from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.action_model import ActionModel, LinearHead, TemporalStream, TrainingFeatures
from tasks.errors import BadInput
from tasks.fingerprint import fingerprint_module, library_version
from tasks.progress import track_progress
from tasks.streams.calibration import apply_temperature, fit_temperature, scale_head
from tasks.streams.fusion import EQUAL_WEIGHTS, fit_fusion_weights, fuse_probabilities
from tasks.streams.novelty import fit_training_features
from tasks.train.background_segments import add_background_rows
from tasks.train.classification_metrics import compute_metrics, mark_predicted
from tasks.train.label_learning_curve import CurveSettings, measure_learning_curve
from tasks.train.label_segments import LABELS_FILE, LabelSegment, TrainingVideos, load_label_segments
from tasks.train.motion_head import fit_motion_shares
from tasks.train.row_heads import TrainingData, nan_probabilities
from tasks.train.split_videos import group_labels_by_video, make_folds, select_held_out
from tasks.train.stream_features import (
    LIBRARIES,
    FeatureCache,
    StreamFeatures,
    TrainContext,
    compute_feature_key,
    extract_stream_features,
    hash_json,
)
from tasks.train.stream_training import train_spatial_stream, train_temporal_stream

if TYPE_CHECKING:
    from tasks.train.params import TrainParams

TrainStream = Callable[[Indices], tuple[Any, NDArray[np.float64]]]
"""Trains a stream on rows; returns it and its (n, labels) probabilities of all rows."""


@dataclass(frozen=True)
class StreamFusion:
    """How the streams' probabilities are calibrated and fused."""

    weights: tuple[float, float] = EQUAL_WEIGHTS
    """Of the spatial and of the temporal stream, for calibrated probabilities."""
    temperatures: tuple[float, float] = (1.0, 1.0)
    note: str = ""
    """Where they come from."""

    def calibrate(self, rgb: Probabilities, flow: Probabilities) -> tuple[Probabilities, Probabilities]:
        """(n, labels) probabilities of both streams at their temperatures; NaN stays NaN."""
        return apply_temperature(rgb, self.temperatures[0]), apply_temperature(flow, self.temperatures[1])


def train_action_model(footage: TrainingVideos, labels: ActionLabels, context: TrainContext) -> ActionModel:
    """The model of `labels`; BadInput where there are fewer than two labels, or a row fits no video."""
    params = context.params
    if params.background_label is not None and labels.rows:
        labels = add_background_rows(labels, footage, params.background_label, params.seed)
    names = labels.labels
    if len(names) < 2:  # noqa: PLR2004  classification needs two labels
        raise BadInput(
            f"{LABELS_FILE} must hold at least two labels, got {', '.join(names) or 'none'}; add rows of other labels"
        )
    if params.spatial == params.temporal == "none":
        raise BadInput(
            "train.spatial or train.temporal must name a stream to train, got none for both; set one of them"
        )
    cache = FeatureCache.open()
    rows, features, keys = _extract_features(footage, labels, context, cache)
    data = TrainingData(features, np.array([names.index(row.label) for row in rows]), len(names))
    held_out = _select_held_out_videos(rows, data, params)
    learning = np.flatnonzero([row.video not in held_out for row in rows])
    missing = [name for number, name in enumerate(names) if number not in data.labels[learning]]
    if missing:
        raise BadInput(
            f"{LABELS_FILE} must leave a row of every label to train on, got none of "
            f"{', '.join(missing)}; correct the column split"
        )
    checkpoints = _Checkpoints(
        cache, {"features": keys, "labels": data.labels.tolist(), "made by": _describe_environment(context)}
    )

    videos = [row.video for row in rows]
    shares = fit_motion_shares(data, learning, videos, params) if params.temporal == "head" else EQUAL_WEIGHTS

    def train_spatial(rows: Indices) -> tuple[LinearHead | None, NDArray[np.float64]]:
        return train_spatial_stream(data, rows, context)

    def train_temporal(rows: Indices) -> tuple[TemporalStream | None, NDArray[np.float64]]:
        return train_temporal_stream(data, rows, context, checkpoints.make_path(rows), shares)

    fusion = fit_stream_fusion(data, learning, videos, params, (train_spatial, train_temporal))
    (spatial, rgb), (temporal, flow) = train_spatial(learning), train_temporal(learning)
    streams = fusion.calibrate(rgb, flow)
    spatial = spatial and scale_head(spatial, fusion.temperatures[0])
    temporal = temporal and replace(temporal, head=scale_head(temporal.head, fusion.temperatures[1]))
    weights = fusion.weights if spatial and temporal else (float(spatial is not None), float(temporal is not None))
    measuring = np.flatnonzero([row.video in held_out for row in rows])
    measured = {"spatial": streams[0][measuring], "temporal": streams[1][measuring]}
    measured["fused"] = fuse_probabilities(measured["spatial"], measured["temporal"], weights)
    metrics = compute_metrics(measured, data.labels[measuring], names) | {
        "trained": len(learning),
        "held_out_videos": sorted(held_out),
        "fusion": fusion.note,
        "temperatures": list(fusion.temperatures),
        "without_motion": int((~mark_predicted(flow)).sum()),
        "learning_curve": measure_learning_curve(data, videos, CurveSettings(params, shares, weights)),
    }
    checkpoints.delete_files()
    learned = collect_training_features(data, learning, videos, params)
    return ActionModel(names, "team", spatial, temporal, params.region, weights, metrics, learned)


def collect_training_features(
    data: TrainingData, rows: Indices, videos: Sequence[str], params: TrainParams
) -> dict[str, TrainingFeatures]:
    """Stream to the features of `rows` that `classify` compares windows with; of the streams with a head alone, since
    a fine-tuned network has others."""
    features = {"spatial": [data.features[row].spatial for row in rows]} if params.spatial != "none" else {}
    if params.temporal == "head":
        features["temporal"] = [data.features[row].temporal for row in rows]
    names = [videos[int(row)] for row in rows]
    found = {stream: fit_training_features(each, names) for stream, each in features.items()}
    return {stream: learned for stream, learned in found.items() if learned is not None}


def fit_stream_fusion(
    data: TrainingData,
    learning: Indices,
    videos: Sequence[str],
    params: TrainParams,
    learn: tuple[TrainStream, TrainStream],
) -> StreamFusion:
    """Fusion weights and temperatures of the streams; `learn` trains the spatial and the temporal stream."""
    if params.fusion == "weighted":
        return StreamFusion((params.spatial_share, 1 - params.spatial_share), note="weighted")
    if params.fusion == "average":
        return StreamFusion(note="average")
    labels = data.labels
    parts = make_folds(group_labels_by_video(learning, videos, labels), params.folds, params.seed)
    if len(parts) < 2:  # noqa: PLR2004  a split needs two parts
        return StreamFusion(note="average: a label has one video, too few to fit weights")
    found = (nan_probabilities(data), nan_probabilities(data))
    for part in parts:
        inside = np.array([videos[row] in part for row in learning])
        predicted = learning[inside]
        for one, stream in zip(found, learn, strict=True):
            one[predicted] = stream(learning[~inside])[1][predicted]
    known = [learning[mark_predicted(one[learning])] for one in found]
    rgb, flow = (fit_temperature(one[rows], labels[rows]) for one, rows in zip(found, known, strict=True))
    both = np.intersect1d(known[0], known[1])
    if not len(both):
        reason = "one stream" if "none" in (params.spatial, params.temporal) else "no video is long enough for both"
        return StreamFusion(EQUAL_WEIGHTS, (rgb, flow), f"average: {reason}; temperatures by {len(parts)} folds")
    calibrated = apply_temperature(found[0][both], rgb), apply_temperature(found[1][both], flow)
    weights = fit_fusion_weights(*calibrated, labels[both])
    return StreamFusion(weights, (rgb, flow), f"learned on {len(parts)} folds")


@dataclass
class _Checkpoints:
    """Checkpoint files of trainings, one for each set of training rows."""

    cache: FeatureCache
    key_parts: Mapping[str, Any]
    files: list[Path] = field(default_factory=list[Path])

    def make_path(self, rows: Indices) -> Path:
        """The checkpoint file of a training on `rows`."""
        path = self.cache.folder / f"{hash_json({**self.key_parts, 'rows': rows.tolist()})}.pt"
        self.files.append(path)
        return path

    def delete_files(self) -> None:
        """Delete all files once the result is complete."""
        for path in self.files:
            path.unlink(missing_ok=True)


def _describe_environment(context: TrainContext) -> dict[str, Any]:
    return {
        "params": context.params.model_dump(mode="json"),
        "code": dict(fingerprint_module(__name__)),
        "libraries": {name: library_version(name) for name in LIBRARIES},
        "device": context.device.partition(":")[0],
    }


def _extract_features(
    footage: TrainingVideos, labels: ActionLabels, context: TrainContext, cache: FeatureCache
) -> tuple[list[LabelSegment], list[StreamFeatures], list[str]]:
    """Every row with its features, from the cache where they were computed before, and their cache key."""
    rows: list[LabelSegment] = []
    features: list[StreamFeatures] = []
    keys: list[str] = []
    with track_progress("train", "extracting features of labels", len(labels.rows), logged=True) as step:
        for row, frames in load_label_segments(labels, footage, context.params.region):
            flow, shots = footage.dense_flow.paths[row.video], footage.shots.paths[row.video]
            key = compute_feature_key(row, (footage.frames.paths[row.video], flow, shots), context.params)
            found = cache.load(key)
            if found is None:
                found = extract_stream_features(row, frames, flow, shots, context)
                cache.save(key, found)
            rows.append(row)
            features.append(found)
            keys.append(key)
            step(row.video)
    return rows, features, keys


def _select_held_out_videos(rows: Sequence[LabelSegment], data: TrainingData, params: TrainParams) -> frozenset[str]:
    """Names of the held-out videos: by the labels' column split where it has values, else a stratified choice."""
    if any(row.row.split for row in rows):
        return frozenset(row.video for row in rows if row.row.split == "held-out")
    every = np.arange(len(rows))
    return select_held_out(
        group_labels_by_video(every, [row.video for row in rows], data.labels), params.held_out_share, params.seed
    )
