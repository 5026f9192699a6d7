"""What the engine costs beside the work that it manages.

`python -m benchmarks.engine [--videos 3 10 100 1000 10000] [--quick]`: every stage's function is replaced by one that
hands back a small stored sample (stages.py), so that what is left is the engine: planning, hashing, worker processes,
recipes, the record in DVC, the tables. Commands are run as a user runs them and timed as whole processes, beside DVC
with a stage per video and Prefect with a task per item (peers.py). Wall times are the best of some runs; processor time
says what a command takes on a machine that has other work.

The figures go to reports/bench/engine.json, the plot to reports/bench/engine.svg.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.engine.figures import FIGURES, Results, exponents, full_name, table
from benchmarks.engine.peers import MAX_DVC, MAX_PREFECT, measure_dvc, measure_prefect, pipeline_steps
from benchmarks.engine.plot import draw
from benchmarks.engine.process import CHECKOUT
from benchmarks.engine.project import measure, write_samples_apart
from benchmarks.engine.scaling import ITEMS, measure_scaling

VIDEOS = (3, 10, 100, 1000, 10000)
QUICK = (3, 30)
MANY = 1000
"""Videos from which a command is repeated less often."""
BENCH = CHECKOUT / "reports/bench"


def main(argv: Sequence[str] = ()) -> None:
    """Measure, print the table, write the JSON and the plot."""
    options = parse(argv)
    folder = Path(tempfile.mkdtemp(prefix="semflow-bench-", dir=options.folder))
    try:
        results = Results()
        for results in measure_all(options, folder):
            write_results(results, options.to)  # as they come: the whole takes an hour, and may be cut short
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(results))  # noqa: T201
    print(f"\nwritten to {options.to}/engine.json, drawn in {options.to}/engine.svg")  # noqa: T201


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options, `quick` spelt out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description="What the engine costs.")
    parser.add_argument("--videos", type=int, nargs="+", metavar="N", help=f"sizes of the data set {VIDEOS}")
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK} videos, without DVC and Prefect beside it")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each command, of which the best counts")
    parser.add_argument("--folder", type=Path, help="where the projects are made (the folder for temporary files)")
    parser.add_argument("--to", type=Path, default=BENCH, help="where the figures and the plot go")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (as many as suit the machine)")
    parser.add_argument("--scaling", type=int, default=ITEMS, metavar="ITEMS", help="items for one worker beside two")
    parser.add_argument("--no-warm-up", dest="warm_up", action="store_false", help="measure the very first use too")
    options = parser.parse_args(argv)
    options.peers = not options.quick
    options.videos = options.videos or (QUICK if options.quick else VIDEOS)
    return options


def measure_all(options: argparse.Namespace, folder: Path) -> Iterator[Results]:
    """The figures so far, after each part that `options` (see `parse`) ask for; projects are made in `folder`."""
    videos, repeats = options.videos, options.repeats
    samples = folder / "samples"
    samples.mkdir()
    write_samples_apart(samples)
    if options.warm_up:  # what is compiled or cached at the first use of all does not count
        measure(folder / "warm-up", 1, samples, repeats=1, workers=options.workers, say=say)
    results = Results()
    if options.scaling:
        results = replace(results, scaling=measure_scaling(folder / "scaling", options.scaling, say))
        yield results
    steps = pipeline_steps() if options.peers else ()
    for count in sorted(videos):
        root = folder / f"project-{count}"
        often = repeats if count <= MANY else min(repeats, 2)
        measured = measure(root, count, samples, repeats=often, workers=options.workers, say=say)
        results = replace(results, ours={**results.ours, count: measured})
        shutil.rmtree(root)
        yield results
        if options.peers and count <= MAX_DVC:
            dvc = measure_dvc(folder / f"dvc-{count}", count, steps, repeats, say)
            results = replace(results, dvc={**results.dvc, count: dvc})
            yield results
        if options.peers and count <= MAX_PREFECT:
            took = measure_prefect(folder / f"prefect-{count}", count, say)
            results = replace(results, prefect=results.prefect if took is None else {**results.prefect, count: took})
            yield results


def write_results(results: Results, folder: Path) -> None:
    """Write engine.json and, once a project is measured, engine.svg into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engine.json").write_text(json.dumps(as_json(results), indent=1) + "\n", encoding="utf-8")
    if results.ours:  # axes with logarithms need a value
        draw(results, folder / "engine.svg")


def as_json(results: Results) -> dict[str, Any]:
    """Everything measured, with the table's figures by name, and the machine."""
    return {
        "machine": {
            "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        },
        "figures": {
            videos: {f"{full_name(n)} ({f.unit})": f.of(measured) for n, f in enumerate(FIGURES)}
            for videos, measured in results.ours.items()
        },
        "exponents": exponents(results.ours),
        "measured": {videos: asdict(measured) for videos, measured in results.ours.items()},
        "dvc_foreach": {videos: asdict(measured) for videos, measured in results.dvc.items()},
        "prefect": {videos: asdict(took) for videos, took in results.prefect.items()},
        "scaling": None
        if results.scaling is None
        else {
            **asdict(results.scaling),
            "ratio": results.scaling.ratio,
            "ratio_in_items": results.scaling.ratio_in_items,
        },
    }


def say(line: str) -> None:
    """What is being measured now, for whoever waits."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
