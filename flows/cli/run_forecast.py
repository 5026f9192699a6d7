"""What a run will take: time, and bytes that it leaves or needs while it goes on; said before it starts.

Time comes from the estimates of its items (flows/engine/timings.py), bytes from what the stages left of other films,
each by frame; without any record from default costs (flows/engine/default_costs.py).
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flows.cli.display_log import Display
from flows.cli.run_progress import RunProgress
from flows.cli.text_formatting import format_duration, format_size
from flows.engine.default_costs import estimate_default_bytes
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.recipe import Recipe
from flows.engine.timings import DurationEstimates

SHOWN_FROM_S = 5.0
"""Runs that are expected to end sooner start without a word."""


@dataclass(frozen=True)
class Forecast:
    """What the stale items of a run are expected to take."""

    items: int
    film_s: float
    """Length of the films that they belong to, as far as it is known."""
    seconds: float | None
    """Wall time; None where nothing is known of any item."""
    is_lower_bound: bool
    """Whether items are left out of the time, since nothing is known of them."""
    is_rough: bool
    """Whether the times of some stages come from other machines."""
    kept_bytes: float
    dropped_bytes: float
    """Of artifacts that are deleted when everything that reads them is up to date."""

    def to_dict(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class SizeEstimates:
    """Bytes of artifacts by stage and frame, from the recipes of this project."""

    per_frame: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def from_project(cls, project: Project, timings: DurationEstimates) -> SizeEstimates:
        """Means over all recorded items of videos whose length is known."""
        sizes: dict[str, float] = defaultdict(float)
        frames: dict[str, int] = defaultdict(int)
        stems = {project.artifact_stem(video): timings.count_frames(video) for video in project.videos}
        for (stage, stem), recipe in project.recipe_store.recipes.items():
            if recipe.outputs and stems.get(stem):
                sizes[stage] += sum_bytes(recipe)
                frames[stage] += stems[stem]
        return cls({stage: size / frames[stage] for stage, size in sizes.items()})

    def estimate_item(self, item: Item, frames: int) -> float:
        """Expected bytes of an item's artifacts; 0 where nothing is known."""
        if item.stage in self.per_frame:
            return self.per_frame[item.stage] * frames
        return estimate_default_bytes(item, frames)


def sum_bytes(recipe: Recipe) -> int:
    """Size of the artifacts that a recipe records."""
    return sum(size for files in recipe.outputs.values() for _, size in files.values())


def forecast_items(project: Project, items: Sequence[Item], workers: int) -> Forecast:
    """The forecast of a run that computes `items`."""
    timings = DurationEstimates.from_state(project.state)
    sizes = SizeEstimates.from_project(project, timings)
    left = RunProgress.from_plan(items, timings.estimate_items(items), workers).time_left({})
    kept = dropped = 0.0
    for item in items:
        size = sizes.estimate_item(item, timings.count_frames(item.video))
        keeps = project.by_name[item.stage].keeps_artifacts
        kept, dropped = (kept + size, dropped) if keeps else (kept, dropped + size)
    films = {item.video for item in items} & timings.lengths.keys()
    return Forecast(
        items=len(items),
        film_s=sum(timings.lengths[video].seconds for video in films),
        seconds=None if left is None else left.seconds,
        is_lower_bound=left is not None and left.at_least,
        is_rough=any(timings.is_from_elsewhere(item) for item in items),
        kept_bytes=kept,
        dropped_bytes=dropped,
    )


def describe_forecast(forecast: Forecast, workers: int) -> str:
    """Text like "36 items of 26 s of film: about 3 min on 2 workers, 43 MB to keep and 264 MB to delete afterwards"."""
    film = f" of {format_duration(forecast.film_s)} of film" if forecast.film_s else ""
    time = "a time that nothing is known of"
    if forecast.seconds is not None:
        about = "at least" if forecast.is_lower_bound else "about"
        time = f"{about} {format_duration(forecast.seconds)} with {workers} worker{'s' * (workers != 1)}"
    sizes = ""
    if forecast.kept_bytes or forecast.dropped_bytes:
        sizes = f", {format_size(forecast.kept_bytes)} to keep"
    if forecast.dropped_bytes:
        sizes += f" and {format_size(forecast.dropped_bytes)} that are deleted afterwards"
    rough = "; rough, as not every stage has run on this machine yet" if forecast.is_rough else ""
    return f"{forecast.items:,} item{'s' * (forecast.items != 1)}{film}: {time}{sizes}{rough}"


def describe_shortage(project: Project, forecast: Forecast) -> str:
    """What to do where the disk is too small for the run; "" where it is not."""
    needed, free = forecast.kept_bytes + forecast.dropped_bytes, shutil.disk_usage(project.root).free
    if needed <= free:
        return ""
    return (
        f"the disk of {project.root} must have {format_size(needed)} free for this, got {format_size(free)}; make "
        "room, or run fewer films at once with `semflow run --videos`"
    )


class ForecastNotice(Display):
    """An Observer that says what a run will take when it is planned."""

    def __init__(self, project: Project, write: Callable[[str], object] = sys.stdout.write) -> None:
        self._project = project
        self._write = write

    def on_planned(self, items: Sequence[Item], expected_s: Mapping[Item, float], workers: int) -> None:
        """See Observer."""
        del expected_s
        forecast = forecast_items(self._project, items, workers)
        if forecast.seconds is not None and forecast.seconds >= SHOWN_FROM_S:
            self._write(describe_forecast(forecast, workers) + "\n")
        if shortage := describe_shortage(self._project, forecast):
            self._write(shortage + "\n")
