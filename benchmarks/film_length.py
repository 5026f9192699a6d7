"""Cost and memory against the length of a film: `python -m benchmarks.film_length`.

The sample clip `walk` is repeated to films of `--seconds`; each stage computes each film in a process of its own with
one thread. Processor seconds per second of film show whether cost is linear, the peaks of resident and of anonymous
memory (one_stage.py) whether it is flat. The table is printed and kept in reports/bench/film_length.json;
film_length.svg beside it draws it. Films at full size take ten seconds of processor time per second; `--height 90` and
`--stages` make ten minutes (`--seconds 600`) affordable, networks then see images of the film's size.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

os.environ.setdefault("SEMFLOW_THREADS", "1")

from tasks.threads import limit_threads

limit_threads()

from benchmarks.pipeline.measure import keep_everything  # noqa: E402  libraries read the limit
from benchmarks.pipeline.one_stage import ProcessCost, measure_stage  # noqa: E402
from flows.cli.sample_videos import SAMPLES  # noqa: E402
from flows.pipeline import STAGES  # noqa: E402
from tasks.weights.fetch import fetch_asset  # noqa: E402

CHECKOUT = Path(__file__).parents[1]
RESULTS = CHECKOUT / "reports/bench/film_length.json"
SECONDS = (10, 60)
HEIGHT = 360
ASPECT = 16 / 9
VIDEO = "film"
Costs = Mapping[str, Mapping[float, ProcessCost]]
"""Stage, then seconds of film, to the cost."""


def main(argv: Sequence[str] = ()) -> None:
    """Measure, print the table, write and draw the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.film_length", description=__doc__)
    names = [stage.name for stage in STAGES]
    parser.add_argument("--seconds", nargs="+", type=float, default=SECONDS, help="lengths of the films")
    parser.add_argument("--height", type=int, default=HEIGHT, help="of the films, pixels; the width is 16 / 9 of it")
    parser.add_argument("--fps", type=float, default=30.0, help="frames per second of the films")
    parser.add_argument(
        "--stages", nargs="+", choices=names, default=names, help="those that they read must be among them"
    )
    options = parser.parse_args(argv)
    found: dict[str, dict[float, ProcessCost]] = {name: {} for name in names if name in options.stages}
    for seconds in options.seconds:
        with tempfile.TemporaryDirectory(prefix="semflow-bench-") as folder:
            root = Path(folder)
            make_project(root, seconds, options.height, options.fps)
            for name, costs in found.items():
                costs[seconds] = measure_stage(root, name, VIDEO)
    print(render_table(found))  # noqa: T201
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    figures = {name: {f"{length:g}": asdict(cost) for length, cost in costs.items()} for name, costs in found.items()}
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    draw(found, RESULTS.with_suffix(".svg"))


def make_project(root: Path, seconds: float, height: int, fps: float) -> None:
    """A project with one film of that length and size; networks get images no larger than it."""
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    clip = next(asset for asset in SAMPLES if asset.name == "walk")
    width = round(height * ASPECT / 2) * 2
    repeat_film(fetch_asset(clip), raw / f"{VIDEO}.mp4", round(seconds * fps), (width, height), fps)
    params = keep_everything((CHECKOUT / "params.yaml").read_text(encoding="utf-8"))
    side = max(64, min(640, -(-width // 32) * 32))
    text = re.sub(r"^  image_(size|side): 640$", rf"  image_\1: {side}", params, flags=re.MULTILINE)
    (root / "params.yaml").write_text(text, encoding="utf-8")


def repeat_film(source: Path, path: Path, frames: int, size: tuple[int, int], fps: float) -> None:
    """A film of so many frames of `size` (width, height): the pictures of `source`, from its start again at its end."""
    import av

    with av.open(str(source)) as container:
        pictures = [frame.to_rgb(width=size[0], height=size[1]).to_ndarray() for frame in container.decode(video=0)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(pictures[number % len(pictures)], format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def render_table(costs: Costs) -> str:
    """A row per stage: of each length processor seconds per second of film, peak resident and anonymous memory."""
    lengths = list(next(iter(costs.values())))
    head = "".join(f"{f'{length:g} s: s/s':>14}{'MB':>8}{'anonymous':>11}" for length in lengths)
    lines = [f"{'':18}{head}"]
    for stage, of_stage in costs.items():
        cells = (_render_cell(length, cost) for length, cost in of_stage.items())
        lines.append(f"{stage:18}" + "".join(cells))
    return "\n".join(lines)


def _render_cell(length: float, cost: ProcessCost) -> str:
    anonymous = "-" if cost.anonymous_bytes is None else f"{cost.anonymous_bytes / 1e6:.0f}"
    return f"{cost.cpu_s / length:14.3f}{cost.peak_bytes / 1e6:8.0f}{anonymous:>11}"


def draw(costs: Costs, path: Path) -> None:
    """Processor time (left) and peak anonymous memory (right; resident, where that is not known) of every stage against
    the length of the film, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "semflow"  # else the same figures give other bytes
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for stage, of_stage in costs.items():
        lengths = list(of_stage)
        left.plot(lengths, [cost.cpu_s for cost in of_stage.values()], marker="o", label=stage)
        memory = [(cost.anonymous_bytes or cost.peak_bytes) / 1e6 for cost in of_stage.values()]
        right.plot(lengths, memory, marker="o", label=stage)
    left.set(xscale="log", yscale="log", xlabel="seconds of film", ylabel="processor seconds")
    right.set(xscale="log", ylim=(0, None), xlabel="seconds of film", ylabel="MB of memory at most")
    right.legend(frameon=False, fontsize=7)
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
