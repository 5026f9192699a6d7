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
from tasks.streams.fusion import AVERAGE, fused, learned_weights
from tasks.train.looks import LIBRARIES, Look, Means, Shelf, digest, look, look_key
from tasks.train.metrics import measured, seen
from tasks.train.split import folds, held_out
from tasks.train.streams import Material, silent, spatial_stream, temporal_stream
from tasks.train.stretch import FILE, Footage, Stretch, stretches

if TYPE_CHECKING:
    from tasks.train.params import TrainParams

Learn = Callable[[Indices], tuple[Any, NDArray[np.float64]]]
"""A stream that learns from rows, and its opinions about all of them."""


def study(footage: Footage, labels: ActionLabels, means: Means) -> ActionModel:
    """The model of `labels`; BadInput where there are fewer than two labels, or a row fits no video."""
    names, params = labels.labels, means.params
    if len(names) < 2:
        raise BadInput(f"{FILE} must hold at least two labels, got {', '.join(names) or 'none'}; add rows of others")
    if params.spatial == params.temporal == "none":
        raise BadInput("train.spatial or train.temporal must be there to learn something, got none for both")
    shelf = Shelf.open()
    rows, looks, keys = _looked(footage, labels, means, shelf)
    material = Material(looks, np.array([names.index(row.label) for row in rows]), len(names))
    away = _held_out(rows, material, params)
    learning = np.flatnonzero([row.video not in away for row in rows])
    missing = [name for number, name in enumerate(names) if number not in material.labels[learning]]
    if missing:
        raise BadInput(
            f"{FILE} must leave a row of every label to train on, got none of {', '.join(missing)}; mend split"
        )
    states = _States(shelf, {"looks": keys, "labels": material.labels.tolist(), "made by": _made_by(means)})

    def see(rows: Indices) -> tuple[LinearHead | None, NDArray[np.float64]]:
        return spatial_stream(material, rows, means)

    def follow(rows: Indices) -> tuple[TemporalStream | None, NDArray[np.float64]]:
        return temporal_stream(material, rows, means, states.of(rows))

    weights, note = weigh(material, learning, [row.video for row in rows], params, (see, follow))
    (spatial, rgb), (temporal, flow) = see(learning), follow(learning)
    weights = weights if spatial and temporal else (float(spatial is not None), float(temporal is not None))
    measuring = np.flatnonzero([row.video in away for row in rows])
    streams = {"spatial": rgb[measuring], "temporal": flow[measuring]}
    metrics = measured(
        streams | {"fused": fused(streams["spatial"], streams["temporal"], weights)}, material.labels[measuring], names
    )
    metrics |= {"trained": len(learning), "held_out_videos": sorted(away), "fusion": note,
                "without_motion": int((~seen(flow)).sum())}  # fmt: skip
    states.forget()
    return ActionModel(names, "team", spatial, temporal, params.region, weights, metrics)


def weigh(
    material: Material, learning: Indices, videos: Sequence[str], params: TrainParams, learn: tuple[Learn, Learn]
) -> tuple[tuple[float, float], str]:
    """The streams' weights, and where they come from; `learn` are the spatial and the temporal stream."""
    if params.fusion == "weighted":
        return (params.spatial_share, 1 - params.spatial_share), "weighted"
    if params.fusion == "average" or "none" in (params.spatial, params.temporal):
        return AVERAGE, "average"
    labels = material.labels
    parts = folds(_labels_by_video(learning, videos, labels), params.folds, params.seed)
    if len(parts) < 2:
        return AVERAGE, "average: a label has one video, too few to learn weights"
    rgb, flow = silent(material), silent(material)
    for part in parts:
        inside = np.array([videos[row] in part for row in learning])
        judged = learning[inside]
        for found, stream in zip((rgb, flow), learn, strict=True):
            found[judged] = stream(learning[~inside])[1][judged]
    both = learning[seen(rgb[learning]) & seen(flow[learning])]
    if not len(both):
        return AVERAGE, "average: no video is long enough for both streams"
    return learned_weights(rgb[both], flow[both], labels[both]), f"learned on {len(parts)} folds"


@dataclass
class _States:
    """Files in which trainings keep what is done, one for each part of the rows that is learned from."""

    shelf: Shelf
    made_of: Mapping[str, Any]
    files: list[Path] = field(default_factory=list[Path])

    def of(self, rows: Indices) -> Path:
        """The file for a training on `rows`."""
        path = self.shelf.folder / f"{digest({**self.made_of, 'rows': rows.tolist()})}.pt"
        self.files.append(path)
        return path

    def forget(self) -> None:
        """Drop them all: the result is there."""
        for path in self.files:
            path.unlink(missing_ok=True)


def _made_by(means: Means) -> dict[str, Any]:
    return {
        "params": means.params.model_dump(mode="json"),
        "code": dict(fingerprint_module(__name__)),
        "libraries": {name: library_version(name) for name in LIBRARIES},
        "device": means.device.partition(":")[0],
    }


def _looked(
    footage: Footage, labels: ActionLabels, means: Means, shelf: Shelf
) -> tuple[list[Stretch], list[Look], list[str]]:
    """Every row with what the streams see of it, from the shelf where it was seen before, and its key there."""
    rows: list[Stretch] = []
    looks: list[Look] = []
    keys: list[str] = []
    with track_progress("train", "looking at labels", len(labels.rows), logged=True) as step:
        for row, opened in stretches(labels, footage, means.params.region):
            flow = footage.dense_flow.paths[row.video]
            key = look_key(row, (footage.frames.paths[row.video], flow), means.params)
            found = shelf.get(key)
            if found is None:
                found = look(row, opened, flow, means)
                shelf.put(key, found)
            rows.append(row)
            looks.append(found)
            keys.append(key)
            step(row.video)
    return rows, looks, keys


def _held_out(rows: Sequence[Stretch], material: Material, params: TrainParams) -> frozenset[str]:
    """Names of the videos that are measured on: as the labels say, where any of them says."""
    if any(row.row.split for row in rows):
        return frozenset(row.video for row in rows if row.row.split == "held-out")
    every = np.arange(len(rows))
    return held_out(_labels_by_video(every, [row.video for row in rows], material.labels), params.held_out, params.seed)


def _labels_by_video(rows: Indices, videos: Sequence[str], labels: NDArray[np.int_]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for row in map(int, rows):
        found.setdefault(videos[row], set()).add(int(labels[row]))
    return {video: frozenset(numbers) for video, numbers in found.items()}
