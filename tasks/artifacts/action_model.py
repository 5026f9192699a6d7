"""The action classifier: a linear head per stream, the network of the motion stream, and the fusion weights.

One NPZ file for the whole dataset, arrays and metadata as JSON, without pickles. `train` makes it from a team's labels;
without labels it is the pretrained model of the package, trained on rendered figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import MAKE_AGAIN, Artifact
from tasks.errors import SemflowError

Vocabulary = Literal["synthetic", "team"]
FeatureSource = Literal["i3d", "mobilenet-v2", "temporal", "temporal-both-ways"]
"""Input of a head: features of I3D (a clip), of MobileNetV2 (its middle frame), or of the flow network (a stack; both
ways: a stack, then the same played backwards)."""
MotionCompensation = Literal["camera", "mean", "none"]
StreamRegion = Literal["person", "frame"]
METADATA_NAME = "facts"
LEARNED = "learned"
STREAMS = ("spatial", "temporal")


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Scores of the labels: features @ weights + bias; a softmax of them gives probabilities."""

    feature_source: FeatureSource
    weights: NDArray[np.float32]
    """(d, labels)."""
    bias: NDArray[np.float32]
    """(labels,)."""

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.bias.shape != self.weights.shape[1:]:  # noqa: PLR2004  a matrix
            raise SemflowError(
                f"a head must have weights (d, labels) and bias (labels,), got {self.weights.shape} and "
                f"{self.bias.shape}"
            )


@dataclass(frozen=True)
class StackSettings:
    """Parameters of the stacks of flow fields cropped from a dense flow (see tasks/streams/flow_stack.py)."""

    motion_compensation: MotionCompensation
    """Motion that is subtracted: the camera's homography, the mean over the square, or none."""
    side: int
    """Pixels of the network's input along each axis."""


@dataclass(frozen=True, eq=False)
class TemporalStream:
    """The network on optical flow alone (see tasks/streams/temporal_stream.py), and its head."""

    trunk: Mapping[str, NDArray[Any]]
    """State of the network by torch's names, float16 or float32."""
    head: LinearHead
    stacks: StackSettings


@dataclass(frozen=True, eq=False)
class TrainingFeatures:
    """Mean features of the training segments of a stream, by which a window is compared with all that was learned (see
    tasks/streams/novelty.py)."""

    mean: NDArray[np.float32]
    """(d,) over the segments."""
    spread: NDArray[np.float32]
    """(d,) standard deviations; 1 where there is none."""
    vectors: NDArray[np.float16]
    """(n, d) features of the segments, standardised by both."""
    distances: NDArray[np.float64]
    """(n,) distance of each segment to the nearest of another video, ascending."""


@dataclass(frozen=True, eq=False)
class ActionModel(Artifact):
    """Parameters of `classify` besides the published weights of the spatial networks."""

    FOLDER: ClassVar[str] = "data/action_model"
    SUFFIX: ClassVar[str] = ".npz"

    labels: tuple[str, ...]
    """The action classes, in the order of every head's outputs."""
    vocabulary: Vocabulary
    """synthetic: rendered figures' motions (pretrained model); team: the labels of data/labels/actions.csv."""
    spatial: LinearHead | None
    """Head of the appearance stream; None where none was trained."""
    temporal: TemporalStream | None
    """The motion stream; None where none was trained."""
    region: StreamRegion
    """Input region of both streams: the square around a tracked person, or the middle square of the frame."""
    fusion: tuple[float, float]
    """Weights of the spatial and of the temporal stream, exponents of their probabilities (tasks/streams/fusion.py)."""
    metrics: Mapping[str, Any]
    """Held-out accuracy per stream, confusion and sizes; JSON values (see tasks/train/classification_metrics.py)."""
    learned: Mapping[str, TrainingFeatures] = field(default_factory=dict[str, TrainingFeatures])
    """Stream (`spatial`, `temporal`) to the features it was trained on; without those that are not known."""

    def __post_init__(self) -> None:
        if len(set(self.labels)) != len(self.labels) or not self.labels:
            raise SemflowError(f"ActionModel.labels must be different names, at least one, got {self.labels}")
        for head in (self.spatial, self.temporal.head if self.temporal else None):
            if head is not None and len(head.bias) != len(self.labels):
                raise SemflowError(f"a head must have {len(self.labels)} outputs, one per label, got {len(head.bias)}")
        if min(self.fusion) < 0 or max(self.fusion) == 0:
            raise SemflowError(f"ActionModel.fusion must be two weights from 0 on, not both 0, got {self.fusion}")

    def save(self, path: Path) -> None:
        arrays: dict[str, NDArray[Any]] = {}
        metadata: dict[str, Any] = {
            "labels": self.labels,
            "vocabulary": self.vocabulary,
            "region": self.region,
            "fusion": self.fusion,
            "metrics": self.metrics,
            "spatial": _pack_head(self.spatial, "spatial", arrays),
            "temporal": None,
        }
        if self.temporal is not None:
            stacks = self.temporal.stacks
            arrays |= {f"trunk.{name}": value for name, value in self.temporal.trunk.items()}
            metadata["temporal"] = _pack_head(self.temporal.head, "temporal", arrays)
            metadata["stacks"] = {"removal": stacks.motion_compensation, "side": stacks.side}
        for name, learned in self.learned.items():
            arrays |= {f"{name}.{LEARNED}.{part.name}": getattr(learned, part.name) for part in fields(learned)}
        text = json.dumps(metadata, sort_keys=True).encode()
        everything: dict[str, Any] = {METADATA_NAME: np.frombuffer(text, np.uint8), **dict(sorted(arrays.items()))}
        with path.open("wb") as file:
            np.savez_compressed(file, **everything)

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if METADATA_NAME not in arrays:
            raise SemflowError(
                f"{path.name} must be an action model with metadata, got {', '.join(sorted(arrays)[:3])}; {MAKE_AGAIN}"
            )
        metadata: dict[str, Any] = json.loads(arrays.pop(METADATA_NAME).tobytes())
        head = _unpack_head(metadata["temporal"], "temporal", arrays)
        trunk = {n.removeprefix("trunk."): value for n, value in arrays.items() if n.startswith("trunk.")}
        return cls(
            labels=tuple(metadata["labels"]),
            vocabulary=metadata["vocabulary"],
            spatial=_unpack_head(metadata["spatial"], "spatial", arrays),
            temporal=None
            if head is None
            else TemporalStream(trunk, head, StackSettings(metadata["stacks"]["removal"], metadata["stacks"]["side"])),
            region=metadata["region"],
            fusion=(float(metadata["fusion"][0]), float(metadata["fusion"][1])),
            metrics=metadata["metrics"],
            learned=_unpack_learned(arrays),
        )


def _pack_head(head: LinearHead | None, name: str, arrays: dict[str, NDArray[Any]]) -> FeatureSource | None:
    """Add a head's arrays to `arrays`; returns the name of its features."""
    if head is None:
        return None
    arrays |= {
        f"{name}.{part.name}": getattr(head, part.name) for part in fields(head) if part.name != "feature_source"
    }
    return head.feature_source


def _unpack_head(
    feature_source: FeatureSource | None, name: str, arrays: Mapping[str, NDArray[Any]]
) -> LinearHead | None:
    if feature_source is None:
        return None
    return LinearHead(feature_source, arrays[f"{name}.weights"], arrays[f"{name}.bias"])


def _unpack_learned(arrays: Mapping[str, NDArray[Any]]) -> dict[str, TrainingFeatures]:
    found: dict[str, TrainingFeatures] = {}
    for stream in STREAMS:
        prefix = f"{stream}.{LEARNED}."
        parts = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        if parts:
            found[stream] = TrainingFeatures(**parts)
    return found
