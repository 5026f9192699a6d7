"""What would run, and why: the state of every item (one video, one stage), without computing anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flows.project import Project
from tasks.artifacts.artifact import Artifact
from tasks.artifacts.raw_video import RawVideo
from tasks.content import digest
from tasks.recipe import Ingredients, Recipe, difference, ingredients
from tasks.stage import Stage

Standing = Literal["fresh", "stale", "failed", "blocked"]
"""fresh: as it would be made today. stale: to be made. failed: its input is at fault, as recorded.
blocked: something it reads failed."""


@dataclass(frozen=True)
class Item:
    """One stage of one video."""

    video: str
    stage: str

    def __str__(self) -> str:
        return f"{self.stage} {self.video}"


@dataclass(frozen=True)
class State:
    """Where an item stands."""

    item: Item
    standing: Standing
    reason: str
    """Why it is stale, what failed, or what blocks it; "" where fresh."""
    ingredients: Ingredients | None
    """What it would be made of; None while something it reads is not fresh."""


def plan(project: Project, videos: Iterable[str] | None = None) -> dict[Item, State]:
    """The state of every item of `videos` (all by default), in the order in which they would run."""
    states: dict[Item, State] = {}
    for video in project.videos if videos is None else videos:
        for stage in project.stages:
            states[Item(video, stage.name)] = examine(project, stage, video, states)
    return states


def examine(
    project: Project, stage: Stage[..., Any], video: str, upstream: Mapping[Item, State] | None = None
) -> State:
    """The state of one item; `upstream` holds those of the stages before it, or None to ask the disk."""
    item = Item(video, stage.name)
    if upstream is not None:
        for kind in stage.inputs.values():
            source = _source(project, kind, video, upstream)
            if source is not None and source.standing in ("failed", "blocked"):
                origin = source.item.stage if source.standing == "failed" else source.reason.removeprefix("after ")
                return State(item, "blocked", f"after {origin}", None)
        for name, kind in stage.inputs.items():
            source = _source(project, kind, video, upstream)
            if source is not None and source.standing == "stale":
                return State(item, "stale", f"waits for {name}", None)
    today = ingredients(stage, project.params[stage.name], input_hashes(project, stage, video))
    return _compare(project, stage, item, today)


def input_hashes(project: Project, stage: Stage[..., Any], video: str) -> dict[str, str]:
    """Content hash of each artifact that the item reads; the raw video's file name counts too."""
    found: dict[str, str] = {}
    for name, kind in stage.inputs.items():
        path = project.path(kind, video)
        found[name] = digest(project.hashes.of(path)) + (f" {path.name}" if kind is RawVideo else "")
    return found


def _source(project: Project, kind: type[Artifact], video: str, states: Mapping[Item, State]) -> State | None:
    producer = project.producers.get(kind)
    return None if producer is None else states[Item(video, producer.name)]


def _compare(project: Project, stage: Stage[..., Any], item: Item, today: Ingredients) -> State:
    recipes = {kind: Recipe.load(Recipe.path(kind, project.root, item.video)) for kind in stage.outputs}
    for kind, recipe in recipes.items():
        if recipe is None:
            return State(item, "stale", "never made", today)
        if recipe.key != today.key:
            return State(item, "stale", difference(recipe.ingredients, today) or "recipe was edited", today)
        if recipe.error is not None:
            return State(item, "failed", recipe.error, today)
        path = kind.path(project.root, item.video)
        found = project.hashes.of(path)
        if found != recipe.output:
            where = path.relative_to(project.root)
            return State(item, "stale", f"{where} is {'missing' if not found else 'not as it was made'}", today)
    return State(item, "fresh", "", today)
