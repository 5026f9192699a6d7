"""Sizes of artifacts in a plan: by stage, now and for an hour of film, kept and not kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from flows.cli.plan_line import PlanLine
from flows.cli.text_formatting import HOUR, format_size

SIZE_COLUMNS = ("on disk", "not kept", "per hour")
"""Headings of `format_sizes`; the last one is of film, not of the run."""


def format_sizes(lines: Sequence[PlanLine]) -> tuple[str, str, str]:
    """Size of the artifacts that are kept, of those that are not, and of all for an hour of film; "" for none."""
    kept, dropped = _sum_bytes(lines)
    hour = sum(measure_hour(lines))
    return tuple(format_size(size) if size else "" for size in (kept, dropped, hour))  # type: ignore[return-value]


def format_size_lines(lines: Iterable[PlanLine], stages: Sequence[str]) -> Iterator[str]:
    """A line per stage that has artifacts: their size, whether they are kept, and the size for an hour of film."""
    by_stage: dict[str, list[PlanLine]] = defaultdict(list)
    for line in lines:
        if line.bytes:
            by_stage[line.item.stage].append(line)
    width = max(map(len, by_stage), default=0)
    for stage in (stage for stage in stages if stage in by_stage):
        kept, dropped, hour = format_sizes(by_stage[stage])
        words = [kept or dropped]
        words += ["not kept"] if dropped and not kept else []
        words += [f"{hour} for an hour of film"] if hour else []
        yield f"{stage:<{width}}  {', '.join(words)}"


def format_size_sums(lines: Sequence[PlanLine]) -> str:
    """Text like "artifacts: 43 MB, and 246 MB not kept; an hour of film: 5.8 GB, and 20 GB not kept"; "" where the
    table says it all."""
    sums = [("artifacts", _sum_bytes(lines)), ("an hour of film", measure_hour(lines))]
    if not any(dropped for _, (_, dropped) in sums) and not any(sums[1][1]):
        return ""
    words = [
        f"{name}: {format_size(kept)}" + (f", and {format_size(dropped)} not kept" if dropped else "")
        for name, (kept, dropped) in sums
        if kept or dropped
    ]
    return "; ".join(words)


def measure_hour(lines: Iterable[PlanLine]) -> tuple[float, float]:
    """Bytes of the artifacts for an hour of film, kept and not kept: the sum of the means of the stages, over the items
    whose film has a known length."""
    found: dict[str, list[PlanLine]] = defaultdict(list)
    for line in lines:
        if line.bytes and line.film_s:
            found[line.item.stage].append(line)
    kept = dropped = 0.0
    for mine in found.values():
        film_s = sum(line.film_s for line in mine)
        kept_bytes, dropped_bytes = _sum_bytes(mine)
        kept, dropped = kept + kept_bytes / film_s * HOUR, dropped + dropped_bytes / film_s * HOUR
    return kept, dropped


def _sum_bytes(lines: Iterable[PlanLine]) -> tuple[int, int]:
    """Bytes of the artifacts on disk or in the remote, and of those that are not kept."""
    kept = dropped = 0
    for line in lines:
        kept, dropped = (kept, dropped + line.bytes) if line.status == "dropped" else (kept + line.bytes, dropped)
    return kept, dropped
