"""Region matches between the detections of the scheduled pairs of frames."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Indices
from tasks.artifacts.detections import Detections
from tasks.artifacts.matches import Matches
from tasks.match.pair_schedule import schedule_pairs
from tasks.match.region_matching import RegionMatches, match_regions

if TYPE_CHECKING:
    from tasks.match.params import MatchParams

CACHED_FRAMES = 64  # frames whose region vectors are kept; at longer strides they are pooled twice
RegionVectors = Callable[[int, NDArray[np.float32]], NDArray[np.float32] | None]
"""Frame and (n, 4) xyxy boxes in it, px, to (n, d) vectors; None where the frame is not whole."""


def match_detections(detections: Detections, vectors: RegionVectors, params: MatchParams) -> Matches:
    """Match the detections of the scheduled pairs of frames by the cosine of their mean feature vectors."""
    scored = np.flatnonzero(detections.score >= params.region_min_score)
    bounds = np.searchsorted(detections.frame[scored], np.arange(detections.frame_count + 1))
    xyxy = detections.xyxy

    @lru_cache(maxsize=CACHED_FRAMES)
    def regions(frame: int) -> tuple[Indices, NDArray[np.float32] | None]:
        rows = scored[bounds[frame] : bounds[frame + 1]]
        return rows, vectors(frame, xyxy[rows]) if len(rows) else None

    found = _MatchedRows()
    for frame, strides in schedule_pairs(detections.frame_count, params.strides, params.pair_interval):
        for other in (frame + stride for stride in strides):
            (rows_a, a), (rows_b, b) = regions(frame), regions(other)
            if a is not None and b is not None:
                same = detections.class_id[rows_a][:, None] == detections.class_id[rows_b]
                pairs = match_regions(a, b, params.region_min_cosine, same if params.region_same_class else None)
                found.append(rows_a[pairs.first], rows_b[pairs.second], pairs)
    return found.make_table(detections)


@dataclass(frozen=True)
class _MatchedRows:
    """Matches of all pairs of frames, 21 bytes each: small tables of a pair would take a hundred times as much."""

    a: array[int] = field(default_factory=lambda: array("q"))
    """Rows of the detections artifact in the earlier frame."""
    b: array[int] = field(default_factory=lambda: array("q"))
    """Rows in the later frame."""
    cosine: array[float] = field(default_factory=lambda: array("f"))
    mutual: array[int] = field(default_factory=lambda: array("b"))

    def append(self, a: Indices, b: Indices, pairs: RegionMatches) -> None:
        """Add the matches of one pair of frames."""
        self.a.extend(a.tolist())
        self.b.extend(b.tolist())
        self.cosine.extend(pairs.cosine.tolist())
        self.mutual.extend(pairs.mutual.tolist())

    def make_table(self, detections: Detections) -> Matches:
        """The table of all matches."""
        a, b = np.array(self.a, np.intp), np.array(self.b, np.intp)
        boxes = {
            f"{side}_{edge}": getattr(detections, edge)[rows]
            for side, rows in (("a", a), ("b", b))
            for edge in ("x1", "y1", "x2", "y2")
        }
        return Matches(
            frame_a=detections.frame[a],
            frame_b=detections.frame[b],
            start_s=detections.pts_s[a],
            end_s=detections.pts_s[b],
            detection_a=a.astype(np.int32),
            detection_b=b.astype(np.int32),
            class_name_a=detections.class_name[a],
            class_name_b=detections.class_name[b],
            cosine=np.array(self.cosine, np.float32),
            mutual=np.array(self.mutual, np.bool_),
            **boxes,
            video=detections.video,
            frame_count=detections.frame_count,
            width=detections.width,
            height=detections.height,
        )
