"""Speed of association against the number of objects: `python -m benchmarks.track`.

People-sized boxes drift through a 1920x1080 image, detected with jitter, one time in twenty not at all. The stage
function runs whole, both passes and the table included, on one thread. Where the package `trackers` is installed, its
trackers get the same detections in the same run: the ratio is what to quote, since machines differ.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # NumPy reads it when it is first imported

import numpy as np
import yaml

from tasks.artifacts.detections import Detections
from tasks.track.stage import TrackParams, track

OBJECTS = (10, 30, 100, 300)
FRAMES = 300
SIZE = np.array([1920, 1080])
JITTER_PX = 1.5
MISSED = 0.05
REPEATS = 3  # the best of them counts: anything slower was the machine being busy
PEERS = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker")

Run = Callable[[Detections], object]


def crowd(objects: int, seed: int = 0) -> Detections:
    """Detections of `objects` boxes that wander through the image and turn back at its edges."""
    random = np.random.default_rng(seed)
    start, speed = random.uniform(0, 1, (objects, 2)) * SIZE, random.normal(0, 2, (objects, 2))
    height = random.uniform(60, 160, objects)
    half = np.stack([0.4 * height, height], axis=1) / 2
    centre = np.abs((start + speed * np.arange(FRAMES)[:, None, None] + SIZE) % (2 * SIZE) - SIZE)
    boxes = np.concatenate([centre - half, centre + half], axis=2)
    boxes += random.normal(0, JITTER_PX, boxes.shape)
    frame, thing = np.nonzero(random.uniform(size=(FRAMES, objects)) > MISSED)
    found = boxes[frame, thing].astype(np.float32)
    return Detections(
        frame=frame.astype(np.int32),
        class_id=np.zeros(len(found), np.int16),
        class_name=np.full(len(found), "person", object),
        score=random.uniform(0.5, 1, len(found)).astype(np.float32),
        x1=found[:, 0],
        y1=found[:, 1],
        x2=found[:, 2],
        y2=found[:, 3],
        frame_count=FRAMES,
        width=int(SIZE[0]),
        height=int(SIZE[1]),
    )


def frames_per_second(run: Run, detections: Detections) -> float:
    """The best of a few runs over FRAMES frames."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(detections)
        seconds.append(time.perf_counter() - start)
    return FRAMES / min(seconds)


def peers() -> Mapping[str, Run]:
    """A function that tracks a whole video, for every peer that is installed."""
    try:
        import supervision  # pyright: ignore[reportMissingImports]
        import trackers  # pyright: ignore[reportMissingImports]
    except ImportError:
        return {}

    def follow(kind: Any, detections: Detections) -> None:
        tracker = kind()
        for rows in np.split(np.arange(len(detections)), np.flatnonzero(np.diff(detections.frame)) + 1):
            seen = detections.take(rows)
            boxes: Any = supervision.Detections(seen.xyxy, confidence=seen.score, class_id=seen.class_id.astype(int))
            tracker.update(boxes)

    return {f"trackers {name}": partial(follow, getattr(trackers, name)) for name in PEERS}


def main() -> None:
    """Print a table: a row per tracker, a column per number of objects."""
    values = cast("dict[str, Any]", yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")))
    params = TrackParams.model_validate(values["track"])
    print("frames per second".ljust(28), *(f"{n:8}" for n in OBJECTS), "objects")  # noqa: T201
    for name, run in {"semflow": lambda detections: track(detections, params), **peers()}.items():
        speeds = [frames_per_second(run, crowd(n)) for n in OBJECTS]
        print(name.ljust(28), *(f"{speed:8.0f}" for speed in speeds))  # noqa: T201


if __name__ == "__main__":
    main()
