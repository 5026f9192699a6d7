"""Speed of association against the number of objects: `python -m benchmarks.track`.

People-sized boxes drift through a 1920x1080 image, detected with jitter, one time in twenty not at all. The stage
function runs whole, both passes and the table included, on one thread. Where the package `trackers` is installed, its
SORT and ByteTrack get the same detections in the same run: the ratio is what to quote, since machines differ.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from tasks.artifacts.detections import Detections
from tasks.params import read_params
from tasks.track.stage import TrackParams, track

OBJECTS = (10, 30, 100, 300)
FRAMES = 300
WIDTH, HEIGHT = 1920, 1080
JITTER_PX = 1.5
MISSED = 0.05
REPEATS = 3  # the best of them counts: anything slower was the machine being busy


def crowd(objects: int, seed: int = 0) -> Detections:
    """Detections of `objects` boxes that wander through the image and turn back at its edges."""
    random = np.random.default_rng(seed)
    start, speed = random.uniform(0, 1, (objects, 2)) * (WIDTH, HEIGHT), random.normal(0, 2, (objects, 2))
    height = random.uniform(60, 160, objects)
    size = np.stack([0.4 * height, height], axis=1)
    path = start + speed * np.arange(FRAMES)[:, None, None]
    centre = np.abs((path + (WIDTH, HEIGHT)) % (2 * WIDTH, 2 * HEIGHT) - (WIDTH, HEIGHT))
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=2)
    boxes += random.normal(0, JITTER_PX, boxes.shape)
    frame, thing = np.nonzero(random.uniform(size=(FRAMES, objects)) > MISSED)
    found = boxes[frame, thing].astype(np.float32)
    n = len(found)
    return Detections(
        frame=frame.astype(np.int32),
        class_id=np.zeros(n, np.int16),
        class_name=np.full(n, "person", object),
        score=random.uniform(0.5, 1, n).astype(np.float32),
        **{name: found[:, k] for k, name in enumerate(("x1", "y1", "x2", "y2"))},
        frame_count=FRAMES,
        width=WIDTH,
        height=HEIGHT,
    )


def frames_per_second(run: Callable[[], object]) -> float:
    """The best of a few runs over FRAMES frames."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return FRAMES / best


def peers() -> Iterator[tuple[str, Callable[[Detections], object]]]:
    """Name and a function that tracks a whole video, for every peer that is installed."""
    try:
        import supervision
        import trackers
    except ImportError:
        return
    for name in ("SORTTracker", "ByteTrackTracker", "OCSORTTracker"):

        def run(detections: Detections, kind: Any = getattr(trackers, name)) -> None:
            tracker = kind()
            for rows in np.split(np.arange(len(detections)), np.flatnonzero(np.diff(detections.frame)) + 1):
                seen = detections.take(rows)
                tracker.update(
                    supervision.Detections(xyxy=seen.xyxy, confidence=seen.score, class_id=seen.class_id.astype(int))
                )

        yield f"trackers {name}", run


def main() -> None:
    """Print a table: a row per tracker, a column per number of objects."""
    params = read_params(Path("params.yaml"), {"track": TrackParams}, only_known=False)["track"]
    contenders: list[tuple[str, Callable[[Detections], object]]] = [("semflow", lambda d: track(d, params)), *peers()]
    print("frames per second".ljust(28), *(f"{n:>8}" for n in OBJECTS), "objects")
    for name, run in contenders:
        speeds = [frames_per_second(lambda n=n: run(crowd(n))) for n in OBJECTS]
        print(name.ljust(28), *(f"{fps:8.0f}" for fps in speeds))


if __name__ == "__main__":
    sys.exit(main())
