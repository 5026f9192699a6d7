"""The trackers of ultralytics: on given detections, and as its own `track` command from film to identities.

Settings are those of its `bytetrack.yaml` and `botsort.yaml` (without ReID, as published). On given detections BoT-SORT
does without camera motion, as there are no pictures. Their assignment problems need the package `lap`; where it is
missing, SciPy solves them, with the same total cost.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.evaluate.mot_peers import FrameTracker, TrackerFactory, build_tracks
from tasks.arrays import Boxes, Floats
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.yolo.ultralytics_import import import_ultralytics

PERSON = 0  # COCO's class number
CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {"bytetrack": {}, "botsort": {"gmc_method": "none"}}
"""Name of the configuration file to what differs from it on given detections."""
COLUMNS = [4, 0, 1, 2, 3, 5]  # of its rows: those of FrameTracker


def find_ultralytics_trackers() -> dict[str, TrackerFactory]:
    """Name to the factory of each tracker."""
    return {f"ultralytics {name}": partial(make_tracker, name) for name in CONFIGURATIONS}


def make_tracker(name: str, height: int, width: int) -> FrameTracker:
    """A new tracker for a video of that size."""
    step = make_stepper(name, height, width)
    return lambda here: step(here)[:, COLUMNS]


def make_stepper(name: str, height: int, width: int) -> Callable[[Detections], Boxes]:
    """A new tracker: a frame's detections to (n, 8) rows of x1, y1, x2, y2, track, score, class, detection's index."""
    import_ultralytics()
    provide_lap()
    from ultralytics.engine.results import Boxes as UltralyticsBoxes
    from ultralytics.trackers.track import TRACKER_MAP
    from ultralytics.utils import YAML, IterableSimpleNamespace
    from ultralytics.utils.checks import check_yaml

    published: dict[str, Any] = YAML.load(str(check_yaml(f"{name}.yaml")))
    settings = IterableSimpleNamespace(**{**published, **CONFIGURATIONS[name]})
    kind: Any = TRACKER_MAP[name]
    tracker = kind(settings)

    def step(here: Detections) -> Boxes:
        table = np.column_stack([here.xyxy, here.score, here.class_id]).astype(np.float32).reshape(-1, 6)
        given = np.asarray(tracker.update(UltralyticsBoxes(table, (height, width)), None), np.float64)
        return given.reshape(-1, 8)

    return step


def track_film(name: str, weights: Path, image_size: int, film: Path, detections: Detections) -> tuple[Tracks, float]:
    """Tracks of people by `ultralytics track` alone, and the seconds from film to identities.

    Of `film` the first `detections.frame_count` frames, in source pixels; nothing else of `detections` is used.
    """
    ultralytics = import_ultralytics()
    provide_lap()
    model: Any = ultralytics.YOLO(str(weights))
    settings = {"tracker": f"{name}.yaml", "classes": [PERSON], "imgsz": image_size, "verbose": False}
    start = time.perf_counter()
    results: Iterator[Any] = model.track(str(film), stream=True, persist=False, device="cpu", **settings)
    rows = [_result_rows(result) for result in itertools.islice(results, detections.frame_count)]
    seconds = time.perf_counter() - start
    rows += [np.empty((0, 6))] * (detections.frame_count - len(rows))
    return build_tracks(rows, detections), seconds


def provide_lap() -> None:
    """Make `import lap` work, which ultralytics needs and does not declare."""
    if "lap" not in sys.modules and importlib.util.find_spec("lap") is None:
        module = ModuleType("lap")
        vars(module).update({"__version__": "0.5.12", "lapjv": solve_with_limit})
        sys.modules["lap"] = module


def solve_with_limit(
    cost: Floats, extend_cost: bool = True, cost_limit: float = np.inf
) -> tuple[float, NDArray[np.intp], NDArray[np.intp]]:
    """Total cost, column of each row, and row of each column (-1: none), as lap.lapjv with `extend_cost`.

    Leaving a row and a column unmatched costs `cost_limit`, half for each: an (n + m, n + m) problem.
    """
    from scipy.optimize import linear_sum_assignment

    del extend_cost
    n, m = cost.shape
    extended = np.full((n + m, n + m), cost_limit / 2)
    extended[n:, m:] = 0
    extended[:n, :m] = cost
    row, column = linear_sum_assignment(extended)
    is_matched = (row < n) & (column < m)
    row, column = row[is_matched], column[is_matched]
    of_row, of_column = np.full(n, -1), np.full(m, -1)
    of_row[row], of_column[column] = column, row
    return float(cost[row, column].sum()), of_row, of_column


def _result_rows(result: Any) -> Boxes:
    boxes = result.boxes
    if boxes is None or boxes.id is None:
        return np.empty((0, 6))
    columns = (boxes.id[:, None], boxes.xyxy, boxes.conf[:, None])
    return np.concatenate([column.cpu().numpy() for column in columns], axis=1).astype(np.float64)
