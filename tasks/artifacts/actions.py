"""Recognised actions: labels with probabilities per time window, stream and subject, with Grad-CAM maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.table import Column, Table, column, metadata_field
from tasks.errors import SemflowError

STREAMS = ("rgb", "flow", "fused")
"""Appearance (RGB), motion (optical flow), and their late fusion."""
CAM_SIDE = 7  # cells along each side of a Grad-CAM map, as many as the networks' last layers have


def _optional_column(unit: str, meaning: str) -> Any:
    """Declare a column of numbers that files of earlier versions lack: NaN in every row where it is not given."""
    declared = {"dtype": "float64", "unit": unit, "meaning": meaning, "width": 0, "nan": True}
    return field(default=None, kw_only=True, metadata={"column": True, **declared})


@dataclass(frozen=True)
class ActionPrediction:
    """A label that one stream predicts for a whole video."""

    stream: str
    vocabulary: str
    label: str
    probability: float
    """Mean over the predictions of the stream; 0 where the label is not among the stored ranks."""
    confident: bool


@dataclass(frozen=True, eq=False)
class Actions(Table):
    """A row per window, stream, subject and rank, in this order; the whole frame comes before tracked people."""

    FOLDER: ClassVar[str] = "data/actions"

    window: Column = column(
        "int32",
        "index",
        "stretch of the video, or of a person's presence, that is judged as one, from 0, in order of time",
    )
    first_frame: Column = column("int32", "index", "first frame of the window")
    last_frame: Column = column("int32", "index", "last frame of the window, itself inside")
    start_s: Column = column("float64", "s", "presentation time of the first frame")
    end_s: Column = column("float64", "s", "presentation time of the last frame")
    looped: Column = column("bool", "", "the shot or presence is shorter than a window and was repeated to fill it")
    stream: Column = column("string", "", "rgb (what it looks like), flow (how it moves) or fused (both)")
    track_id: Column = column("int32", "index", "who, as in tracks; null for the whole frame", nullable=True)
    vocabulary: Column = column("string", "", "whose labels: kinetics-400, synthetic (shipped motions) or team")
    rank: Column = column("int16", "index", "1 for the most probable label, up to 5")
    label: Column = column("string", "", "action")
    probability: Column = column("float32", "0..1", "by the stream's own reckoning, over its vocabulary")
    confident: Column = column(
        "bool",
        "",
        "first of its rank, probable enough, of a person filmed as those whom the stream was tried on, not like "
        "nothing that was learned, and of Kinetics-400 only with enough evidence (max_logit)",
    )
    novelty: Column = _optional_column(
        "0..1",
        "share of the labelled segments that are nearer to the others than the window is to any: near 1 it looks like "
        "nothing that was learned; NaN without labels of your own",
    )
    max_logit: Column = _optional_column(
        "logit",
        "evidence for the first label of the window, before it is compared with the other labels; NaN where labels are "
        "not those of Kinetics-400",
    )
    x1: Column = column("float32", "px", "left edge of the square looked at: in cam_frame, or the window's middle")
    y1: Column = column("float32", "px", "top edge, y downwards; the square may reach beyond the frame")
    x2: Column = column("float32", "px", "right edge")
    y2: Column = column("float32", "px", "bottom edge")
    cam_frame: Column = column(
        "int32", "index", "frame with the most evidence for the label; null where there is no map", nullable=True
    )
    cam: Column = column("uint8", "of peak/255", "Grad-CAM: 7 rows of 7 cells over the square", CAM_SIDE**2)
    frame_count: int = metadata_field("frames", "rows of the frames artifact")
    width: int = metadata_field("px", "working width of the frames")
    height: int = metadata_field("px", "working height of the frames")
    network: str = metadata_field("", "network of the rgb stream")
    notes: list[str] = metadata_field("", "what a person should know, in sentences")
    confident_from: float = metadata_field("0..1", "probability from which a first label is confident")
    unfamiliar_from: float = metadata_field(
        "0..1", "novelty above which a window looks like nothing that was learned", default=1.0
    )
    evident_from: float = metadata_field(
        "logit", "max_logit from which a first label of Kinetics-400 is confident", default=0.0
    )

    def check_values(self) -> None:
        if not len(self):
            return
        strange = sorted(set(self.stream) - set(STREAMS))
        if strange:
            raise SemflowError(f"Actions.stream must be one of {', '.join(STREAMS)}, got {strange[0]!r}")
        late = np.flatnonzero((self.first_frame > self.last_frame) | (self.last_frame >= self.frame_count))
        if len(late):
            raise SemflowError(
                f"Actions windows must lie in [0, {self.frame_count}) and not end before they begin, got "
                f"{self.first_frame[late[0]]} to {self.last_frame[late[0]]} in row {late[0]}"
            )
        if self.probability.min() < 0 or self.probability.max() > 1 + 1e-5:
            raise SemflowError(
                f"Actions.probability must lie in 0..1, got {self.probability.min()} to {self.probability.max()}"
            )
        key = np.stack([self.window, self._order(), self.track_id, self.rank])
        if (np.lexsort(key[::-1]) != np.arange(len(self))).any() or len(np.unique(key, axis=1).T) < len(self):
            raise SemflowError("Actions must be ordered by window, stream, track_id and rank, each once")

    @property
    def best(self) -> NDArray[np.bool_]:
        """(n,) which rows have rank 1 in their window, stream and subject."""
        return self.rank == 1

    @property
    def unfamiliar(self) -> NDArray[np.bool_]:
        """(n,) which rows are of a window that looks like nothing that was learned."""
        return self.novelty > self.unfamiliar_from

    @property
    def uncertain(self) -> NDArray[np.bool_]:
        """(n,) which rows are of a window that shows none of Kinetics-400's actions clearly."""
        return self.max_logit < self.evident_from

    @property
    def xyxy(self) -> NDArray[np.float32]:
        """(n, 4) squares that the networks were applied to, pixels."""
        return np.stack([self.x1, self.y1, self.x2, self.y2], axis=1)

    def cam_map(self, row: int) -> NDArray[np.float32]:
        """(7, 7) Grad-CAM of one row, 0..1."""
        return self.cam[row].reshape(CAM_SIDE, CAM_SIDE).astype(np.float32) / 255

    def summarise_streams(self) -> dict[str, list[ActionPrediction]]:
        """Stream to its predictions for the whole video, most probable first.

        All windows, of the whole frame or of a person, have equal weight; `take` the rows of one track first for the
        predictions about that person.
        """
        return {stream: self._summarise_stream(stream) for stream in STREAMS if (self.stream == stream).any()}

    def _summarise_stream(self, stream: str) -> list[ActionPrediction]:
        mine = self.take(self.stream == stream)
        count = int(mine.best.sum())
        rows = sorted(zip(mine.label, mine.vocabulary, mine.probability.tolist(), strict=True))
        means = {key: sum(row[2] for row in some) / count for key, some in groupby(rows, key=lambda row: row[:2])}
        ranked = sorted(means.items(), key=lambda item: (-item[1], item[0]))
        believed = set(zip(mine.label[mine.confident], mine.vocabulary[mine.confident], strict=True))
        return [
            ActionPrediction(
                stream,
                vocabulary,
                label,
                mean,
                not place and mean >= self.confident_from and (label, vocabulary) in believed,
            )
            for place, ((label, vocabulary), mean) in enumerate(ranked)
        ]

    def _order(self) -> NDArray[np.intp]:
        return np.array([STREAMS.index(stream) for stream in self.stream])
