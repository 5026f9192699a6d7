"""What an hour of 640x360 film at 30 frames per second costs, stage by stage.

`python -m benchmarks.pipeline [VIDEO ...]`: each video (by default the sample clip `walk`) is processed with
params.yaml in this process, one item at a time, with one thread. For each stage: processor seconds per second of film,
the share of them in models, and gigabytes an hour of its artifacts. Models are calls of networks, of DIS and of the
decoder alone (model_clock.py). All else is outside: conversion and coding of images, warps, sparse products, and the
nearest-neighbour searches of match, which has no model at all, and of fit_field, whose model is the segmenter.
The figures go to reports/bench/pipeline.json, and are printed beside benchmarks/pipeline/baseline.json, the last
ones that were kept (`--keep`); a figure that is 15 % worse is marked.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ.setdefault("SEMFLOW_THREADS", "1")

from tasks.threads import limit_threads

limit_threads()

from benchmarks.pipeline.measure import StageCost, VideoCost, measure_video  # noqa: E402  libraries read the limit

CHECKOUT = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("baseline.json")
RESULTS = CHECKOUT / "reports/bench/pipeline.json"
TOLERANCE = 1.15
RED, PLAIN = "\033[31m", "\033[0m"
GB_PER_HOUR = 3600 / 1e9


def main(argv: Sequence[str] = ()) -> None:
    """Measure, print the table, write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description="What an hour of video costs.")
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO", help="by default the sample clip `walk`")
    parser.add_argument("--keep", action="store_true", help="keep the figures as those to compare with from now on")
    options = parser.parse_args(argv)
    params = (CHECKOUT / "params.yaml").read_text(encoding="utf-8")
    costs: list[VideoCost] = []
    with tempfile.TemporaryDirectory(prefix="semflow-bench-") as folder:
        for number, video in enumerate(options.videos or [_fetch_sample(Path(folder))]):
            costs.append(measure_video(Path(folder) / f"project-{number}", video, params))
    figures = summarize(costs)
    earlier = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    print(render_table(figures, earlier))  # noqa: T201
    for path in (RESULTS, BASELINE) if options.keep else (RESULTS,):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def summarize(costs: Sequence[VideoCost]) -> dict[str, float]:
    """Name to figure, over all videos together; times per second of film, sizes in GB per hour of film."""
    film_s = sum(cost.film_s for cost in costs)
    figures: dict[str, float] = {}
    for stage in costs[0].stages:
        mine = [cost.stages[stage] for cost in costs]
        cpu, model = sum(part.cpu_s for part in mine), sum(part.model_s for part in mine)
        figures[f"{stage}: processor s per s"] = cpu / film_s
        figures[f"{stage}: outside its model"] = 1 - model / cpu
        figures[f"{stage}: GB per hour"] = sum(part.bytes for part in mine) * GB_PER_HOUR / film_s
    joined = VideoCost(film_s, sum(cost.frames for cost in costs), _join(costs))
    for name, left_out in (("all stages", ()), ("without fit_field", ("fit_field",))):
        figures[f"{name}: processor s per s"] = joined.sum_cpu(left_out)
        figures[f"{name}: outside models"] = 1 - joined.model_share(left_out)
    return figures


def render_table(figures: Mapping[str, float], earlier: Mapping[str, float]) -> str:
    """The figures beside the `earlier` ones; in red what is more than 15 % larger: less is better for each of them."""
    lines = [f"{'':44}{'now':>9}{'before':>9}"]
    for name, value in figures.items():
        before = earlier.get(name)
        line = f"{name:44}{value:9.3g}" + ("" if before is None else f"{before:9.3g}")
        worse = before is not None and value > before * TOLERANCE
        lines.append(f"{RED}{line}  worse{PLAIN}" if worse else line)
    return "\n".join(lines)


def _join(costs: Sequence[VideoCost]) -> dict[str, StageCost]:
    return {
        stage: StageCost(
            sum(cost.stages[stage].cpu_s for cost in costs),
            sum(cost.stages[stage].model_s for cost in costs),
            sum(cost.stages[stage].bytes for cost in costs),
        )
        for stage in costs[0].stages
    }


def _fetch_sample(folder: Path) -> Path:
    from flows.cli.sample_videos import SAMPLES
    from tasks.weights.fetch import fetch_asset

    sample = next(asset for asset in SAMPLES if asset.name == "walk")
    path = folder / "walk.mp4"
    path.symlink_to(fetch_asset(sample))
    return path
