"""supervision's `Detections`: from Python frame by frame, and `<video>.csv` as its `CSVSink` writes them.

    from flows.export.supervision_detections import iterate_detections
    for frame, detections in iterate_detections(Tracks.load(path), Masks.load(masks_path)): ...

Source: supervision 0.31, roboflow.com. Frames and pixels are those of the images at working size.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.export.export_options import ExportOptions
from flows.export.export_source import ExportSource
from flows.export.film_tracks import select_classes
from tasks.artifacts.masks import Masks
from tasks.artifacts.tracks import Tracks

CLASS_NAME = "class_name"
"""The key of `Detections.data` under which supervision looks for names."""
HEADER = ("x_min", "y_min", "x_max", "y_max", "class_id", "confidence", "tracker_id", CLASS_NAME, "frame", "pts_s")


def iterate_detections(tracks: Tracks, masks: Masks | None = None) -> Iterator[tuple[int, Any]]:
    """(frame, `supervision.Detections`) of every frame of the video, in order, empty ones too.

    With `masks`, objects without a mask (such as interpolated ones) have an empty one. Needs supervision.
    """
    import supervision

    starts = np.searchsorted(tracks.frame, np.arange(tracks.frame_count + 1))
    for frame in range(tracks.frame_count):
        rows = np.arange(starts[frame], starts[frame + 1])
        yield (
            frame,
            supervision.Detections(
                xyxy=tracks.xyxy[rows],
                mask=None if masks is None else _stack_masks(tracks, masks, rows),
                confidence=tracks.score[rows],
                class_id=tracks.class_id[rows].astype(int),
                tracker_id=tracks.track_id[rows].astype(int),
                data={CLASS_NAME: tracks.class_name[rows].astype(str)},
            ),
        )


def export_supervision(sources: Sequence[ExportSource], folder: Path, options: ExportOptions) -> None:
    """Write the tracks of each video, a row per object and frame."""
    for source in sources:
        tracks = select_classes(source.load(Tracks), options.classes)
        with (folder / f"{source.file_stem}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            columns = (tracks.x1, tracks.y1, tracks.x2, tracks.y2, tracks.class_id, tracks.score, tracks.track_id)
            times = source.timeline.pts_s[tracks.frame]
            writer.writerows(zip(*columns, tracks.class_name, tracks.frame, times, strict=True))


def _stack_masks(tracks: Tracks, masks: Masks, rows: np.ndarray) -> np.ndarray:
    """(n, h, w) masks of some rows."""
    found = np.zeros((len(rows), tracks.height, tracks.width), np.bool_)
    for place, detection in enumerate(tracks.detection[rows].tolist()):
        if 0 <= detection < len(masks):
            found[place] = masks.mask(detection)
    return found
