"""Unlabelled stretches of labelled videos as rows of one more label, so that a model can say "none of these"."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from tasks.artifacts.action_labels import ActionLabel, ActionLabels
from tasks.artifacts.frames import Frames
from tasks.errors import BadInput
from tasks.train.label_segments import LABELS_FILE, TrainingVideos, find_video

Stretch = tuple[float, float]
"""Start and end, seconds."""


def add_background_rows(labels: ActionLabels, footage: TrainingVideos, background: str, seed: int) -> ActionLabels:
    """`labels` with rows labelled `background`: parts of the time that no row of the same video covers.

    Each is as long as the median of the labelled stretches, and there are at most as many as rows of the most frequent
    label, chosen by a hash. BadInput where a row has that label already, or where no part is long enough.
    """
    taken = next((row for row in labels.rows if row.label == background), None)
    if taken is not None:
        raise BadInput(
            f"{LABELS_FILE}:{taken.line}: label must differ from train.background_label, got {background!r} for both; "
            f"set train.background_label to null if you label the background yourself"
        )
    by_video: dict[str, list[ActionLabel]] = {}
    for row in labels.rows:
        by_video.setdefault(find_video(row, footage.videos), []).append(row)
    spans = {video: _video_span(footage, video) for video in by_video}
    covered = {video: [_row_span(row, spans[video]) for row in rows] for video, rows in by_video.items()}
    length = median(end - start for some in covered.values() for start, end in some)
    found = [
        ActionLabel(video, background, start, end, None, by_video[video][0].split, by_video[video][0].line)
        for video in sorted(by_video)
        for start, end in find_uncovered(spans[video], covered[video], length)
    ]
    if not found:
        raise BadInput(
            f"train.background_label needs {length:.1f} s without a label in some labelled video, got none; label less "
            "of a video, or set train.background_label to null"
        )
    most = max(Counter(row.label for row in labels.rows).values())
    chosen = sorted(found, key=lambda row: _hash_row(row, seed))[:most]
    return replace(labels, rows=(*labels.rows, *sorted(chosen, key=lambda row: (row.video, row.start_s or 0.0))))


def find_uncovered(span: Stretch, covered: Sequence[Stretch], length: float) -> list[Stretch]:
    """Stretches of `length` seconds in `span` that touch none of `covered`, spread evenly over each gap."""
    edges = [span[0], *(at for stretch in _merge(covered) for at in stretch), span[1]]
    found: list[Stretch] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        count = int((end - start) / length + 1e-9) if length > 0 else 0
        spare = (end - start - count * length) / (count + 1)
        starts = [start + spare + n * (length + spare) for n in range(count)]
        found += [(at, at + length) for at in starts]
    return found


def _merge(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The union of stretches, in order of time."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _video_span(footage: TrainingVideos, video: str) -> Stretch:
    pts_s = Frames.load(footage.frames.paths[video]).pts_s
    return (float(pts_s[0]), float(pts_s[-1])) if len(pts_s) else (0.0, 0.0)


def _row_span(row: ActionLabel, span: Stretch) -> Stretch:
    start = span[0] if row.start_s is None else min(max(row.start_s, span[0]), span[1])
    return start, max(start, span[1] if row.end_s is None else min(row.end_s, span[1]))


def _hash_row(row: ActionLabel, seed: int) -> str:
    return hashlib.sha256(f"{seed}/{row.video}/{row.start_s}".encode()).hexdigest()
