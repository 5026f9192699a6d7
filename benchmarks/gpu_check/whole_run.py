"""A run of the whole pipeline over one clip by the engine and its worker processes, as `semflow run` does it.

Prefect's mirror and the record in DVC are left out: they take no part in the computation.
`python -m benchmarks.gpu_check.whole_run ORDER` writes its figures to a file.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from flows.cli.sample_videos import cut_clip
from flows.engine.outcome import Item, Outcome, Step, Summary
from flows.engine.project import PARAMS_FILE, Project
from flows.engine.run import run_stale_items
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo

PIPELINE = "benchmarks.gpu_check.stages:STAGES"


@dataclass
class RunClock:
    """Observer that notes when the first item started: before it, processes start and nothing is computed.

    The seconds of each stage are written to `results` as they come, for a run that is ended early.
    """

    results: Path
    first_item_at: float = 0.0
    stage_s: dict[str, float] = field(default_factory=dict[str, float])

    def on_planned(self, items: Any, expected_s: Any, workers: int) -> None:
        """Note nothing."""

    def on_started(self, item: Item, worker: int, attempt: int) -> None:
        """Note the time of the first item."""
        del item, worker, attempt
        self.first_item_at = self.first_item_at or time.perf_counter()

    def on_progress(self, item: Item, step: Step) -> None:
        """Note nothing."""

    def on_ended(self, outcome: Outcome, final: bool) -> None:
        """Note the seconds of the item."""
        del final
        self.stage_s[outcome.stage] = outcome.seconds
        self.results.write_text(json.dumps({"stage_s": self.stage_s}), encoding="utf-8")

    def on_message(self, level: int, message: str) -> None:
        """Print the line."""
        del level
        print(message, flush=True)  # noqa: T201

    def on_finished(self, summary: Summary) -> None:
        """Note nothing."""


def make_project(root: Path, params_file: Path, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """A project without videos, with the parameters of `params_file`, some of them changed."""
    (root / RawVideo.FOLDER).mkdir(parents=True)
    sections: dict[str, Any] = yaml.safe_load(params_file.read_text(encoding="utf-8"))
    for section, values in changes.items():
        sections[section] |= values
    (root / PARAMS_FILE).write_text(yaml.safe_dump(sections, sort_keys=False), encoding="utf-8")


def measure_run(root: Path, results: Path) -> dict[str, Any]:
    """Seconds of the run by the clock, of each stage's items, and as a multiple of the clip's length.

    Raises RuntimeError, with the reasons, where an item failed.
    """
    project = Project.open(root, PIPELINE)
    clock, began = RunClock(results), time.perf_counter()
    summary = run_stale_items(project, observers=[clock], record=False)
    ended = time.perf_counter()
    failed = {f"{o.stage} {o.video}": str(o.error) for o in summary.outcomes if not o.is_good}
    if failed:
        raise RuntimeError(f"items must be computed, got failures: {json.dumps(failed)}")
    (video,) = project.videos
    pts_s = Frames.load(project.artifact_path(Frames, video)).pts_s
    film_s = float(pts_s[-1] - pts_s[0]) * len(pts_s) / max(1, len(pts_s) - 1)
    return {
        "film_s": film_s,
        "frames": len(pts_s),
        "wall_s": ended - began,
        "items_s": ended - clock.first_item_at,
        "stage_s": {outcome.stage: outcome.seconds for outcome in summary.outcomes},
    }


def main(order_text: str) -> int:
    """Make the project that the order describes, run it, write the figures."""
    order: dict[str, Any] = json.loads(order_text)
    root, results = Path(order["root"]), Path(order["results"])
    make_project(root, Path(order["params"]), order["changes"])
    cut_clip(Path(order["clip"]), root / RawVideo.FOLDER / "clip.mp4", order["film_s"])
    results.write_text(json.dumps(measure_run(root, results)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
