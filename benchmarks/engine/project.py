"""A project of so many videos, and what the engine takes for it in each situation."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine.process import CHECKOUT, Took, best, clean_environment, run_process, run_semflow

PIPELINE = "benchmarks.engine.stages:STAGES"
RAW = "data/raw"


@dataclass(frozen=True)
class Measured:
    """The engine's figures for one number of videos; times in seconds of a whole process."""

    videos: int
    items: int
    workers: int
    first: Took
    """The run that computes everything."""
    first_item_s: float
    """Time of its items in their workers, all together."""
    nothing: Took
    """`semflow run` with nothing to do."""
    plan: Took
    """`semflow plan` with nothing to do."""
    changed: Took
    """`semflow run` after one raw file changed."""
    changed_item_s: float
    added: Took
    """`semflow run` after one raw file was added."""
    added_item_s: float
    table_s: float
    """Showing the table of a run that computed everything."""

    @property
    def wall_per_item_s(self) -> float:
        """Wall time of the first run per item."""
        return self.first.wall_s / self.items

    @property
    def overhead_per_item_s(self) -> float:
        """Worker time of the first run that no item used, per item."""
        return (self.first.wall_s * self.workers - self.first_item_s) / self.items

    @property
    def changed_overhead_s(self) -> float:
        """Wall time around the items of one changed video."""
        return self.changed.wall_s - self.changed_item_s

    @property
    def added_overhead_s(self) -> float:
        """Wall time around the items of one added video."""
        return self.added.wall_s - self.added_item_s


def write_samples_apart(folder: Path) -> None:
    """Write the samples in a process of its own, so that this one stays small and its timer is not disturbed."""
    code = "import pathlib, sys; from benchmarks.engine.samples import write_samples as w; w(pathlib.Path(sys.argv[1]))"
    run_process([sys.executable, "-c", code, str(folder)], folder, {"PYTHONPATH": str(CHECKOUT)})


def make_project(root: Path, videos: int, params: str) -> None:
    """A project, a DVC repository, with `videos` tiny raw files and `params` for params.yaml."""
    (root / RAW).mkdir(parents=True)
    (root / "params.yaml").write_text(params, encoding="utf-8")
    shutil.copy(CHECKOUT / ".dvcignore", root)
    shutil.copytree(CHECKOUT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    for number in range(videos):
        raw_file(root, number).write_text(f"video {number}\n", encoding="ascii")


def params_text(workers: int) -> str:
    """This checkout's parameters with so many worker processes; 0: as many as suit the machine."""
    text = (CHECKOUT / "params.yaml").read_text(encoding="utf-8")
    return re.sub(r"^  workers: .*$", f"  workers: {workers}", text, count=1, flags=re.MULTILINE)


def raw_file(root: Path, number: int) -> Path:
    """The raw file of a video."""
    return root / RAW / f"clip_{number:06}.mp4"


def measure(
    root: Path, videos: int, samples: Path, *, repeats: int, workers: int, say: Callable[[str], None]
) -> Measured:
    """Make a project at `root` and take all figures, the best of `repeats` where a command can be repeated."""

    def semflow(*arguments: str) -> Took:
        say(f"{videos:,} videos: semflow {' '.join(arguments)}")
        return run_semflow(arguments, root, PIPELINE, samples)

    make_project(root, videos, params_text(workers))
    semflow("dvc")
    first = semflow("run")
    made = last_run(root)
    nothing = best([semflow("run") for _ in range(repeats)])
    plan = best([semflow("plan") for _ in range(repeats)])
    changed: list[tuple[Took, float]] = []
    added: list[tuple[Took, float]] = []
    for number in range(min(repeats, videos)):
        raw_file(root, number).write_text(f"another video {number}\n", encoding="ascii")
        changed.append((semflow("run"), item_seconds(last_run(root))))
        raw_file(root, videos + number).write_text(f"video {videos + number}\n", encoding="ascii")
        added.append((semflow("run"), item_seconds(last_run(root))))
    best_changed, best_added = (min(runs, key=lambda run: run[0].wall_s - run[1]) for runs in (changed, added))
    return Measured(
        videos=videos,
        items=len(made["outcomes"]),
        workers=workers or worker_count(root),
        first=first,
        first_item_s=item_seconds(made),
        nothing=nothing,
        plan=plan,
        changed=best_changed[0],
        changed_item_s=best_changed[1],
        added=best_added[0],
        added_item_s=best_added[1],
        table_s=show_table(made["outcomes"], repeats),
    )


def last_run(root: Path) -> dict[str, Any]:
    """The last line of the project's run log: what was not simply reused."""
    with (root / ".semflow/runs.jsonl").open(encoding="utf-8") as file:
        found: dict[str, Any] = json.loads(deque(file, maxlen=1)[0])
    odd = [outcome for outcome in found["outcomes"] if outcome["result"] != "computed"]
    if odd:
        raise RuntimeError(f"every item of a benchmark must be computed, got {odd[0]}")
    return found


def item_seconds(run: dict[str, Any]) -> float:
    """Time of a run's items in their workers, all together."""
    return sum(outcome["seconds"] for outcome in run["outcomes"])


def worker_count(root: Path) -> int:
    """How many worker processes a run in the project at `root` has."""
    from flows.engine.compute_items import count_workers as count
    from flows.engine.project import Project

    project = Project.open(root, PIPELINE)
    try:
        return count(project)
    finally:
        project.close()


def show_table(outcomes: Sequence[dict[str, Any]], repeats: int) -> float:
    """Seconds that the table of a run takes on a terminal of 100 columns."""
    code = "import sys; from benchmarks.engine.table import time_table; print(time_table(int(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(repeats)]
    done = subprocess.run(
        command,
        input=json.dumps(outcomes),
        cwd=CHECKOUT,
        env=clean_environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)
