"""The benchmark's figures against the number of videos, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.engine.figures import Results
from benchmarks.engine.project import Measured

SERIES = {
    "run, nothing to do": lambda m: m.nothing.wall_s,
    "plan": lambda m: m.plan.wall_s,
    "one video changed": lambda m: m.changed_overhead_s,
    "first run": lambda m: m.first.wall_s,
}
COLORS = {"run, nothing to do": "#1f77b4", "plan": "#2ca02c", "one video changed": "#d62728", "first run": "#7f7f7f"}


def draw(results: Results, path: Path) -> None:
    """Seconds of whole commands (left), per item of a first run (middle), and memory (right)."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "semflow"  # else the same figures give other bytes
    from matplotlib import pyplot

    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    ours = dict(sorted(results.ours.items()))
    for name, of in SERIES.items():
        left.plot(list(ours), [of(measured) for measured in ours.values()], marker="o", label=name, color=COLORS[name])
    _draw_peers(left, results)
    left.set(xscale="log", yscale="log", xlabel="videos", ylabel="seconds, around the items' own")
    left.legend(frameon=False, fontsize=7)
    _draw_items(middle, ours, results)
    right.plot(list(ours), [m.nothing.peak_bytes / 1e6 for m in ours.values()], marker="o", label="nothing to do")
    right.plot(list(ours), [m.first.peak_bytes / 1e6 for m in ours.values()], marker="o", label="first run")
    right.set(xscale="log", ylim=(0, None), xlabel="videos", ylabel="MB of memory, workers left out")
    right.legend(frameon=False, fontsize=7)
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def _draw_peers(axes: Any, results: Results) -> None:
    dvc = dict(sorted(results.dvc.items()))
    if dvc:
        rows = {
            "run, nothing to do": [m.nothing.wall_s for m in dvc.values()],
            "one video changed": [m.changed.wall_s for m in dvc.values()],
        }
        for name, values in rows.items():
            axes.plot(list(dvc), values, marker="s", linestyle=":", color=COLORS[name], label=f"DVC foreach: {name}")
    prefect = dict(sorted(results.prefect.items()))
    if prefect:
        seconds = [took.wall_s for took in prefect.values()]
        axes.plot(list(prefect), seconds, marker="^", linestyle=":", color="black", label="Prefect, a task per item")


def _draw_items(axes: Any, ours: Mapping[int, Measured], results: Results) -> None:
    axes.plot(list(ours), [1e3 * m.wall_per_item_s for m in ours.values()], marker="o", label="wall time")
    outside = [1e3 * m.overhead_per_item_s for m in ours.values()]
    axes.plot(list(ours), outside, marker="o", label="workers' time outside items")
    for name, peers in (
        ("DVC foreach", {n: took.first.wall_s for n, took in sorted(results.dvc.items()) if n in ours and took.first}),
        ("Prefect", {n: took.wall_s for n, took in sorted(results.prefect.items()) if n in ours}),
    ):
        if peers:
            values = [1e3 * seconds / ours[n].items for n, seconds in peers.items()]
            axes.plot(list(peers), values, marker="s", linestyle=":", label=f"{name}: wall time")
    axes.set(xscale="log", yscale="log", xlabel="videos", ylabel="milliseconds per item of a first run")
    axes.legend(frameon=False, fontsize=7)
