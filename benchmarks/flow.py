"""Speed of dense flow: the backends against each other, and where the stage's time goes: `python -m benchmarks.flow`.

On neighbouring frames of the sample clip `bikes` (640x272). A row is the time for a pair, forward and backward, as a
multiple of the default's (DIS medium) in the same run: ratios are what to quote, since machines differ. Rounds of all
backends alternate and the best round of each counts. Networks get few frames, and are left out where their weights can
not be fetched.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from flows.cli.sample_videos import SAMPLES
from tasks.arrays import FlowField, Image
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.device import resolve_device
from tasks.errors import SemflowError
from tasks.estimate_flow.flow_backend import FlowBackend, open_flow_backend
from tasks.estimate_flow.flow_quality import assess_flow_pair
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.weights.fetch import fetch_asset

FIRST, PAIRS = 32, 16  # a car and a cyclist, well inside a shot
ROUNDS = 3
BACKENDS: dict[str, dict[str, str]] = {
    "dis medium": {"backend": "dis", "dis_preset": "medium"},
    "dis ultrafast": {"backend": "dis", "dis_preset": "ultrafast"},
    "dis fast": {"backend": "dis", "dis_preset": "fast"},
    "dis fine": {"backend": "dis", "dis_preset": "fine"},
    "farneback": {"backend": "farneback"},
    "raft-small": {"backend": "raft-small"},
    "raft": {"backend": "raft"},
}


def main() -> None:
    """Print the two tables."""
    with tempfile.TemporaryDirectory() as folder:
        frames = sample(Path(folder))
        settings = defaults()
        print(f"time per pair, forward and backward, {frames.width}x{frames.height}, dis medium = 1")  # noqa: T201
        for name, ratio in backends(frames, settings).items():
            print(f"{name:20}{ratio:8.2f}")  # noqa: T201
        print("\nthe stage with dis medium, flow alone = 1")  # noqa: T201
        for name, ratio in parts(frames, settings, Path(folder)).items():
            print(f"{name:20}{ratio:8.2f}")  # noqa: T201


def sample(folder: Path) -> Frames:
    """The clip as the stage `decode` leaves it."""
    clip = next(sample for sample in SAMPLES if sample.name == "bikes")
    params = DecodeParams.model_validate(_section("decode"))
    return decode(RawVideo(fetch_asset(clip)), params).to(folder / "frames.parquet")


def defaults() -> EstimateFlowParams:
    """The section `estimate_flow` of params.yaml."""
    return EstimateFlowParams.model_validate(_section("estimate_flow"))


def backends(frames: Frames, settings: EstimateFlowParams) -> dict[str, float]:
    """Time per pair of every backend, against the first one's."""
    images = [image for _, image in frames.images(FIRST, FIRST + PAIRS + 1)]
    ready = {name: found for name, values in BACKENDS.items() if (found := _open(settings, values))}
    seconds = {name: float("inf") for name in ready}
    for _ in range(ROUNDS):
        for name, (backend, pairs) in ready.items():
            seconds[name] = min(seconds[name], _time(lambda b=backend, n=pairs: _all(b, images[: n + 1])) / pairs)
    return {name: value / seconds["dis medium"] for name, value in seconds.items()}


def parts(frames: Frames, settings: EstimateFlowParams, folder: Path) -> dict[str, float]:
    """Time of every step of the stage for the same pairs, and of reading them back, against the flow's."""
    encoding = FlowEncoding(frames.height, frames.width, settings.stored_grid, settings.stored_steps_per_px)
    backend = open_flow_backend(settings.model_copy(update=BACKENDS["dis medium"]), "cpu", 1)
    images = [image for _, image in frames.images(FIRST, FIRST + PAIRS + 1)]
    flows = _all(backend, images)
    neighbours = list(zip(images, images[1:], flows, strict=False))
    pairs = [assess_flow_pair(first, second, *flow, encoding) for first, second, flow in neighbours]
    stored = DenseFlow.stream(pairs, FlowMetadata(len(images), "dis", encoding)).to(folder / "flow.parquet")
    steps: dict[str, Callable[[], object]] = {
        "flow": lambda: _all(backend, images),
        "reading frames": lambda: list(frames.images(FIRST, FIRST + PAIRS + 1)),
        "checks and camera": lambda: [
            assess_flow_pair(first, second, *flow, encoding) for first, second, flow in neighbours
        ],
        "encoding": lambda: [[encoding.encode_stored(vectors) for vectors in pair.stored or ()] for pair in pairs],
        "reading flow back": lambda: list(stored),
    }
    seconds = {name: min(_time(step) for _ in range(ROUNDS)) for name, step in steps.items()}
    return {name: value / seconds["flow"] for name, value in seconds.items()}


def _open(settings: EstimateFlowParams, values: dict[str, str]) -> tuple[FlowBackend, int] | None:
    """A backend and how many pairs to give it; None where its weights cannot be had."""
    params = settings.model_copy(update=values)
    try:
        device = resolve_device("auto") if params.network else "cpu"
        backend = open_flow_backend(params, device, PAIRS)
    except SemflowError as error:
        print(f"{values['backend']}: {error}")  # noqa: T201
        return None
    return backend, 1 if params.network and device == "cpu" else PAIRS


def _all(backend: FlowBackend, images: Sequence[Image]) -> list[tuple[FlowField, FlowField]]:
    return [
        pair
        for n in range(0, len(images) - 1, backend.pairs_per_run)
        for pair in backend.estimate(images[n : n + backend.pairs_per_run + 1])
    ]


def _time(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _section(name: str) -> dict[str, object]:
    return yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))[name]


if __name__ == "__main__":
    main()
