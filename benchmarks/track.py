"""Cost of association against objects, frames and memory: `python -m benchmarks.track`.

People-sized boxes drift through a 1920x1080 image, detected with jitter, one time in twenty not at all. What the stage
does with detections runs whole, both passes and the table included, on one thread; a second is one of its processor.
Where the package `trackers` is installed, its trackers get the same detections in the same run: the ratio is what to
quote, since machines differ. Memory is what Python has allocated at most at a time (tracemalloc), less the table of
tracks that comes out, per detection: flat where nothing but rows grows with the length of the video.
The tables are printed, and drawn in `reports/bench/track.png`.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")  # NumPy reads it when it is first imported

import numpy as np
import yaml

from tasks.artifacts.detections import Detections
from tasks.track.frame_times import regular_times
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections

OBJECTS = (10, 30, 100, 300)
FRAMES = 300
LENGTHS = (300, 1000, 3000, 10000)
OBJECTS_IN_LENGTHS = 30
OBJECTS_IN_MEMORY = 10  # tracemalloc slows everything down
BARS = {100: 1000, 300: 250}  # objects to frames per second that are asked for
PLOT = Path("reports/bench/track.png")
SIZE = np.array([1920, 1080])
JITTER_PX = 1.5
MISSED = 0.05
REPEATS = 3  # the best of them counts: anything slower was the machine being busy
PEERS = ("SORTTracker", "ByteTrackTracker", "OCSORTTracker")

Run = Callable[[Detections], object]


def crowd(objects: int, frames: int = FRAMES, seed: int = 0) -> Detections:
    """Detections of `objects` boxes that wander through the image and turn back at its edges."""
    random = np.random.default_rng(seed)
    start, speed = random.uniform(0, 1, (objects, 2)) * SIZE, random.normal(0, 2, (objects, 2))
    height = random.uniform(60, 160, objects)
    half = np.stack([0.4 * height, height], axis=1) / 2
    centre = np.abs((start + speed * np.arange(frames)[:, None, None] + SIZE) % (2 * SIZE) - SIZE)
    boxes = np.concatenate([centre - half, centre + half], axis=2)
    boxes += random.normal(0, JITTER_PX, boxes.shape)
    frame, thing = np.nonzero(random.uniform(size=(frames, objects)) > MISSED)
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
        frame_count=frames,
        width=int(SIZE[0]),
        height=int(SIZE[1]),
    )


def frames_per_second(run: Run, detections: Detections) -> float:
    """Frames per second of processor time, the best of a few runs."""
    seconds: list[float] = []
    for _ in range(REPEATS):
        start = time.process_time()
        run(detections)
        seconds.append(time.process_time() - start)
    return detections.frame_count / min(seconds)


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


def working_memory(run: Run, detections: Detections) -> float:
    """Bytes per row of the detections that a run holds at most, the table that it returns left out."""
    run(crowd(2, 30))  # what is loaded once does not count
    tracemalloc.start()
    result = run(detections)
    now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del result
    return (most - now) / len(detections)


def draw(by_objects: Mapping[str, list[float]], by_length: list[float], memory: list[float], path: Path) -> None:
    """Frames per second against objects, time per frame and memory per row against frames."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for name, speeds in by_objects.items():
        left.plot(OBJECTS, speeds, marker="o", linewidth=2.5 if name == "semflow" else 1, label=name)
    left.scatter(list(BARS), list(BARS.values()), marker="_", s=300, color="black", label="asked for")
    left.set(xscale="log", yscale="log", xlabel="objects per frame", ylabel="frames per second, one core")
    left.legend(frameon=False, fontsize=8)
    middle.plot(LENGTHS, by_length, marker="o")
    middle.set(
        xscale="log",
        ylim=(0, 1.3 * max(by_length)),
        xlabel="frames",
        ylabel=f"ms per frame, {OBJECTS_IN_LENGTHS} objects",
    )
    right.plot(LENGTHS, memory, marker="o")
    right.set(ylim=(0, 1.3 * max(memory)), ylabel="bytes held per detection, at most")
    for axes in (middle, right):
        axes.set(xscale="log", xlabel="frames")
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)


def main() -> None:
    """Print the tables: a row per tracker and a column per number of objects, then per number of frames; draw them."""
    values = cast("dict[str, Any]", yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8")))
    params = TrackParams.model_validate(values["track"])

    def ours(detections: Detections) -> object:
        return track_detections(detections, regular_times(detections.frame_count), params)

    print("frames per second".ljust(28), *(f"{n:8}" for n in OBJECTS), "objects")  # noqa: T201
    by_objects: dict[str, list[float]] = {}
    for name, run in {"semflow": ours, **peers()}.items():
        by_objects[name] = [frames_per_second(run, crowd(n)) for n in OBJECTS]
        print(name.ljust(28), *(f"{speed:8.0f}" for speed in by_objects[name]))  # noqa: T201
    by_length = [1000 / frames_per_second(ours, crowd(OBJECTS_IN_LENGTHS, length)) for length in LENGTHS]
    memory = [working_memory(ours, crowd(OBJECTS_IN_MEMORY, length)) for length in LENGTHS]
    print("\n" + "semflow".ljust(28), *(f"{n:8}" for n in LENGTHS), "frames")  # noqa: T201
    print(f"ms per frame, {OBJECTS_IN_LENGTHS} objects".ljust(28), *(f"{value:8.3f}" for value in by_length))  # noqa: T201
    print("bytes held per detection".ljust(28), *(f"{value:8.0f}" for value in memory))  # noqa: T201
    draw(by_objects, by_length, memory, PLOT)
    print(f"\ndrawn in {PLOT}")  # noqa: T201


if __name__ == "__main__":
    main()
