"""Run the pipeline on one video in this process, and measure each stage."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.pipeline.model_clock import ModelClock, time_decoder, time_models
from flows.engine.outcome import Item, Outcome, Step, Summary
from flows.engine.plan import Plan
from flows.engine.project import PARAMS_FILE, Project
from flows.engine.run import run_stale_items
from flows.pipeline import STAGES
from tasks.artifacts.frames import Frames

PIXELS, FRAMES_PER_S = 640 * 360, 30
"""The film that costs are given for."""


@dataclass(frozen=True)
class StageCost:
    """Cost of one stage for one video."""

    cpu_s: float
    model_s: float
    """Of it, in models (model_clock.py)."""
    bytes: int
    """Size of its artifacts."""


@dataclass(frozen=True)
class VideoCost:
    """Costs of all stages for one video."""

    film_s: float
    """Seconds of 640x360 film at 30 frames per second with as many pixels as the video at its working size."""
    frames: int
    stages: Mapping[str, StageCost]

    def sum_cpu(self, left_out: Sequence[str] = ()) -> float:
        """Processor seconds of all stages per second of film."""
        return sum(cost.cpu_s for name, cost in self.stages.items() if name not in left_out) / self.film_s

    def model_share(self, left_out: Sequence[str] = ()) -> float:
        """Share of the processor time that is spent in models: the pipeline's speed against theirs alone."""
        chosen = [cost for name, cost in self.stages.items() if name not in left_out]
        return sum(cost.model_s for cost in chosen) / sum(cost.cpu_s for cost in chosen)


@dataclass
class _StageTimer:
    """An observer that takes the processor time of each item; items run one after the other in this process."""

    models: ModelClock
    costs: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    _began: tuple[float, float] = (0.0, 0.0)

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """See Observer."""
        del item, worker, attempt
        self._began = time.process_time(), self.models.seconds

    def on_progress(self, item: Item, step: Step) -> None:
        """See Observer."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """See Observer."""
        del final
        if outcome.result == "failed":
            raise RuntimeError(f"{outcome.item} must be computed, got {outcome.error}")
        cpu, models = self._began
        self.costs[outcome.stage] = time.process_time() - cpu, self.models.seconds - models

    def on_message(self, level: int, message: str) -> None:
        """See Observer."""

    def on_finished(self, summary: Summary) -> None:
        """See Observer."""


def measure_video(root: Path, video: Path, params: str) -> VideoCost:
    """Process `video` in an empty folder `root` with the text of params.yaml `params`; everything is kept there.

    A first pass over the same video loads models and fills caches; the second, after its results are removed, counts.
    """
    (root / "data/raw").mkdir(parents=True)
    (root / "data/raw" / video.name).symlink_to(video.resolve())
    (root / PARAMS_FILE).write_text(keep_everything(params), encoding="utf-8")
    name = video.stem
    with time_models() as models:
        _run(root, models)
        before = _sizes(root)
        _forget(root)
        costs = _run(root, models)
    if before != _sizes(root):
        raise RuntimeError("both passes must give artifacts of the same size")
    decode_s = time_decoder(str(video))
    frames = Frames.load(Frames.path(root, name))
    film_s = len(frames) * frames.width * frames.height / (PIXELS * FRAMES_PER_S)
    stages = {
        stage: StageCost(cpu, decode_s if stage == "decode" else model, before.get(stage, 0))
        for stage, (cpu, model) in costs.items()
    }
    return VideoCost(film_s, len(frames), stages)


def keep_everything(params: str) -> str:
    """The text of params.yaml with one worker and no artifact deleted."""
    one = re.sub(r"^  workers: .*$", "  workers: 1", params, count=1, flags=re.MULTILINE)
    return re.sub(r"^  recompute:.*(?:\n  - .*)*$", "  recompute: []", one, count=1, flags=re.MULTILINE)


def _run(root: Path, models: ModelClock) -> dict[str, tuple[float, float]]:
    timer = _StageTimer(models)
    project = Project.open(root, STAGES)
    try:
        run_stale_items(project, observers=[timer], record=False)
    finally:
        project.close()
    return timer.costs


def _sizes(root: Path) -> dict[str, int]:
    """Stage to the bytes of its artifacts, from the recipes."""
    project = Project.open(root, STAGES)
    try:
        states = Plan.examine_project(project).states
    finally:
        project.close()
    sizes: dict[str, int] = {}
    for item, state in states.items():
        held = sum(size for files in state.outputs.values() for _, size in files.values())
        sizes[item.stage] = sizes.get(item.stage, 0) + held
    return sizes


def _forget(root: Path) -> None:
    """Remove all results and what is known of them."""
    from flows.engine.atomic_files import remove_path

    for path in (*(root / "data").iterdir(), root / "reports", root / ".semflow"):
        if path.name != "raw":
            remove_path(path)
