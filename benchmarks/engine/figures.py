"""The figures of the benchmark: what is asked for, how they grow with the number of videos, and the printed tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.engine.peers import DvcMeasured
from benchmarks.engine.process import Took
from benchmarks.engine.project import Measured
from benchmarks.engine.scaling import Scaling

MIN_VIDEOS = 100
"""Growth is fitted from here on: below, starting Python outweighs the rest."""
MIN_SCALING = 1.9
MS, MB = 1e-3, 1e6
NAME_WIDTH, COLUMN_WIDTH = 60, 10


@dataclass(frozen=True)
class Figure:
    """A row of the table."""

    name: str
    unit: str
    of: Callable[[Measured], float]
    """The value in `unit`."""
    limits: Mapping[int, float] = field(default_factory=dict[int, float])
    """Number of videos to the most that is asked for."""
    grows: bool = False
    """Whether it is a time of the whole data set, whose growth is of interest."""


FIGURES = (
    Figure("run, nothing to do", "s", lambda m: m.nothing.wall_s, {3: 0.7, 1000: 2.0}, grows=True),
    Figure("  its processor time", "s", lambda m: m.nothing.cpu_s, grows=True),
    Figure("plan", "s", lambda m: m.plan.wall_s, {3: 0.5, 1000: 1.5}, grows=True),
    Figure("  its processor time", "s", lambda m: m.plan.cpu_s, grows=True),
    Figure("one video changed, around its items", "s", lambda m: m.changed_overhead_s, {1000: 5.0}, grows=True),
    Figure("  its processor time, items and workers' start included", "s", lambda m: m.changed.cpu_s, grows=True),
    Figure("one video added, around its items", "s", lambda m: m.added_overhead_s, {1000: 5.0}, grows=True),
    Figure("first run", "s", lambda m: m.first.wall_s, grows=True),
    Figure("  wall time per item", "ms", lambda m: m.wall_per_item_s / MS),
    Figure("  workers' time outside items, per item", "ms", lambda m: m.overhead_per_item_s / MS, {1000: 5.0}),
    Figure("  processor time per item, all processes", "ms", lambda m: m.first.cpu_s / m.items / MS),
    Figure("table of the first run", "ms", lambda m: m.table_s / MS),
    Figure("memory of `run`, nothing to do", "MB", lambda m: m.nothing.peak_bytes / MB),
    Figure("memory of the first run, workers left out", "MB", lambda m: m.first.peak_bytes / MB),
)


@dataclass(frozen=True)
class Results:
    """All that was measured, by number of videos."""

    ours: Mapping[int, Measured] = field(default_factory=dict[int, Measured])
    dvc: Mapping[int, DvcMeasured] = field(default_factory=dict[int, DvcMeasured])
    prefect: Mapping[int, Took] = field(default_factory=dict[int, Took])
    scaling: Scaling | None = None


def exponents(measured: Mapping[int, Measured]) -> dict[str, float]:
    """Name to b of the best fit of a * videos ** b from MIN_VIDEOS on; {} with fewer than two sizes."""
    sizes = [videos for videos in sorted(measured) if videos >= MIN_VIDEOS]
    if len(sizes) < 2:  # noqa: PLR2004  a line needs two points
        return {}
    found: dict[str, float] = {}
    for number, figure in enumerate(FIGURES):
        if figure.grows:
            values = [max(figure.of(measured[videos]), 1e-6) for videos in sizes]
            found[full_name(number)] = slope([math.log(n) for n in sizes], [math.log(v) for v in values])
    return found


def full_name(number: int) -> str:
    """The name of FIGURES[number], with that of the row which it belongs to."""
    name = FIGURES[number].name
    if not name.startswith(" "):
        return name
    above = next(FIGURES[n].name for n in range(number, -1, -1) if not FIGURES[n].name.startswith(" "))
    return f"{above}: {name.strip()}"


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the least-squares line through the points."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    across = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / across


def table(results: Results) -> str:
    """All figures, a column per number of videos; `!` where more than asked for."""
    sizes = sorted({*results.ours, *results.dvc, *results.prefect})
    lines = [_line("videos", [f"{videos:,}" for videos in sizes], "asked for")]
    growth = exponents(results.ours)
    for number, figure in enumerate(FIGURES):
        cells = [_cell(figure, videos, results.ours.get(videos)) for videos in sizes]
        asked = ", ".join(f"<= {limit:g} at {videos:,}" for videos, limit in figure.limits.items())
        grows = f"grows as videos^{growth[full_name(number)]:.2f}" if full_name(number) in growth else ""
        lines.append(_line(f"{figure.name} ({figure.unit})", cells, "; ".join(filter(None, (asked, grows)))))
    lines += _peers(results, sizes)
    if results.scaling is not None:
        lines += ["", *_scaling(results.scaling)]
    return "\n".join(lines)


def _cell(figure: Figure, videos: int, measured: Measured | None) -> str:
    if measured is None:
        return ""
    value = figure.of(measured)
    return f"{value:.3g}" + ("!" if value > figure.limits.get(videos, math.inf) else "")


def _peers(results: Results, sizes: Sequence[int]) -> list[str]:
    rows: list[tuple[str, Callable[[int], float | None]]] = []
    dvc, prefect, ours = results.dvc, results.prefect, results.ours
    if dvc:
        rows += [
            ("DVC foreach, nothing to do (s)", lambda n: dvc[n].nothing.wall_s if n in dvc else None),
            ("DVC foreach, one video changed (s)", lambda n: dvc[n].changed.wall_s if n in dvc else None),
            ("DVC foreach, first run (s)", lambda n: first.wall_s if n in dvc and (first := dvc[n].first) else None),
        ]
    if prefect:
        rows += [
            ("Prefect, a task per item, every run (s)", lambda n: prefect[n].wall_s if n in prefect else None),
            (
                "  wall time per item (ms)",
                lambda n: prefect[n].wall_s / ours[n].items / MS if n in prefect and n in ours else None,
            ),
        ]
    return [_line(name, ["" if (v := of(n)) is None else f"{v:.3g}" for n in sizes], "") for name, of in rows]


def _scaling(scaling: Scaling) -> list[str]:
    lines = [_line("Python alone, worker processes", ["1", "2", "ratio"], "")]
    rows = (
        ("items per second", scaling.one.items_per_s, scaling.two.items_per_s, scaling.ratio),
        ("share of the workers' time in items", scaling.one.share_in_items, scaling.two.share_in_items, None),
        ("share of a processor that an item had", scaling.one.share_of_processor, scaling.two.share_of_processor, None),
    )
    for name, one, two, ratio in rows:
        asked = "" if ratio is None else f">= {MIN_SCALING} with two free processors"
        lines.append(_line(name, [f"{one:.3g}", f"{two:.3g}", "" if ratio is None else f"{ratio:.2f}"], asked))
    lines.append(_line("ratio by the time in items", ["", "", f"{scaling.ratio_in_items:.2f}"], f">= {MIN_SCALING}"))
    return lines


def _line(name: str, cells: Sequence[str], remark: str) -> str:
    return (name.ljust(NAME_WIDTH) + "".join(cell.rjust(COLUMN_WIDTH) for cell in cells) + "  " + remark).rstrip()
