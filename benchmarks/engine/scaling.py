"""How much faster two worker processes are than one, at stages that compute in Python alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.engine.process import CHECKOUT, clean_environment
from benchmarks.engine.project import RAW, raw_file
from benchmarks.engine.spin import SPIN_S

PIPELINE = "benchmarks.engine.spin:STAGES"
ITEMS = 40


@dataclass(frozen=True)
class Throughput:
    """A run with so many workers, from when each has ended an item to the end of the last."""

    workers: int
    items_per_s: float
    share_in_items: float
    """Of the workers' time, what they spent in items; the rest is the engine's."""
    share_of_processor: float
    """Processor time of an item over its wall time: less than 1 where other work had the processors."""


@dataclass(frozen=True)
class Scaling:
    """One worker beside two."""

    one: Throughput
    two: Throughput

    @property
    def ratio(self) -> float:
        """As measured; it says little of the engine where other work had a processor."""
        return self.two.items_per_s / self.one.items_per_s

    @property
    def ratio_in_items(self) -> float:
        """The same with both processors free, which the share of time spent in items gives."""
        return 2 * self.two.share_in_items / self.one.share_in_items


def measure_scaling(folder: Path, items: int, say: Callable[[str], None]) -> Scaling:
    """Run `items` items of SPIN_S with one worker, then with two."""
    one, two = (_measure(folder / f"{workers}-workers", items, workers, say) for workers in (1, 2))
    return Scaling(one, two)


def _measure(root: Path, items: int, workers: int, say: Callable[[str], None]) -> Throughput:
    import yaml

    say(f"{items} items of {SPIN_S} s of Python, workers: {workers}")
    (root / RAW).mkdir(parents=True)
    for number in range(items):
        raw_file(root, number).write_text(f"video {number}\n", encoding="ascii")
    compute = yaml.safe_load((CHECKOUT / "params.yaml").read_text(encoding="utf-8"))["compute"]
    sections = {"compute": {**compute, "workers": workers, "recompute": []}, "spin": {}}
    (root / "params.yaml").write_text(yaml.safe_dump(sections), encoding="utf-8")
    code = "import sys; from benchmarks.engine.scaling import time_run; time_run(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        cwd=CHECKOUT,
        env=clean_environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Throughput(**json.loads(done.stdout.splitlines()[-1]))


def time_run(root: str) -> None:
    """Run the project at `root` and print its Throughput as JSON."""
    from flows.engine.compute_items import count_workers
    from flows.engine.outcome import Item, Outcome, Step, Summary
    from flows.engine.project import Project
    from flows.engine.run import run_stale_items

    class Clock:
        """Notes when items end, and by whom they were made."""

        def __init__(self) -> None:
            self.worker_of: dict[Item, int] = {}
            self.ends: list[tuple[float, float, int]] = []
            """When an item ended, its seconds, and the worker's number."""

        def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
            pass

        def on_started(self, item: Item, worker: int, attempt: int) -> None:
            del attempt
            self.worker_of[item] = worker

        def on_progress(self, item: Item, step: Step) -> None:
            pass

        def on_ended(self, outcome: Outcome, final: bool) -> None:
            del final
            self.ends.append((time.perf_counter(), outcome.seconds, self.worker_of[outcome.item]))

        def on_message(self, level: int, message: str) -> None:
            pass

        def on_finished(self, summary: Summary) -> None:
            pass

    clock = Clock()
    project = Project.open(Path(root), PIPELINE)
    workers = count_workers(project)
    run_stale_items(project, observers=[clock], record=False)
    project.close()
    # The workers' start does not count: from when each has ended an item.
    first = max(next(n for n, end in enumerate(clock.ends) if end[2] == worker) for worker in range(workers))
    span = clock.ends[-1][0] - clock.ends[first][0]
    seconds = [took for _, took, _ in clock.ends[first + 1 :]]
    found = Throughput(
        workers=workers,
        items_per_s=len(seconds) / span,
        share_in_items=sum(seconds) / (span * workers),
        share_of_processor=SPIN_S * len(seconds) / sum(seconds),
    )
    print(json.dumps(asdict(found)))  # noqa: T201
