"""What would run, and why: the state of every item (one video, one stage), without computing anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flows.engine.project import Project
from tasks.artifacts.artifact import ALL, Artifact, Source
from tasks.artifacts.raw_video import RawVideo
from tasks.content import digest
from tasks.errors import BadInput
from tasks.recipe import Ingredients, Recipe, difference, ingredients
from tasks.stage import Stage

NOT_MADE = " is not up to date; run `semflow run`"
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


def plan(
    project: Project, videos: Collection[str] | None = None, stages: Collection[str] | None = None
) -> dict[Item, State]:
    """The state of every item of `videos` and `stages` (all by default), a video's together, the dataset's last."""
    states: dict[Item, State] = {}
    for stage in project.stages:
        for video in project.owners(stage.outputs[0]):
            states[Item(video, stage.name)] = examine(project, stage, video, states)
    names = [stage.name for stage in project.stages if stages is None or stage.name in stages]
    order = [Item(video, name) for video in (*(project.videos if videos is None else videos), ALL) for name in names]
    return _alone(project, states, [item for item in order if item in states])


def examine(
    project: Project, stage: Stage[..., Any], video: str, upstream: Mapping[Item, State] | None = None
) -> State:
    """The state of one item; `upstream` holds those of the stages before it, or None to ask the disk."""
    item = Item(video, stage.name)
    if upstream is not None:
        before = [upstream[source] for source in sources(project, item)]
        for source in before:
            if source.standing in ("failed", "blocked") and not stage.over_dataset:
                origin = source.item.stage if source.standing == "failed" else source.reason.removeprefix("after ")
                return State(item, "blocked", f"after {origin}", None)
        for source in before:
            if source.standing == "stale":
                return State(item, "stale", f"waits for {source.item}", None)
    inputs = input_hashes(project, stage, video)
    today = ingredients(stage, project.params[stage.name], inputs, project.also(stage))
    return _compare(project, stage, item, today)


def input_hashes(project: Project, stage: Stage[..., Any], video: str) -> dict[str, str]:
    """Content hash of each artifact that the item reads; the raw video's name counts too."""
    found: dict[str, str] = {}
    for name, kind in stage.inputs.items():
        if name in stage.whole:
            paths = whole_dataset(project, stage, kind)
            found[name] = digest({v: digest(project.hashes.of(p)) for v, p in paths.items()})
            continue
        path = project.path(kind, video)
        found[name] = digest(project.hashes.of(path)) + (f" {RawVideo(path).name}" if kind is RawVideo else "")
    return found


def whole_dataset(project: Project, stage: Stage[..., Any], kind: type[Artifact]) -> dict[str, Path]:
    """Video to its artifact of class `kind`, for those `stage` reads; a file at fault has none."""
    paths = {video: project.path(kind, video) for video in chosen(project, stage)}
    return {video: path for video, path in paths.items() if path.exists()}


def chosen(project: Project, stage: Stage[..., Any]) -> list[str]:
    """The videos that a stage over the dataset reads; none where what people wrote for it cannot be read."""
    try:
        written = {
            name: kind.open(project.path(kind, ALL)) for name, kind in stage.inputs.items() if issubclass(kind, Source)
        }
    except BadInput:
        return []  # said by the item itself, which opens it too
    among = stage.among(project.params[stage.name], written)
    return [video for video in project.videos if among is None or video in among]


def sources(project: Project, item: Item) -> list[Item]:
    """The items that `item` reads from."""
    stage = next(stage for stage in project.stages if stage.name == item.stage)
    found: dict[Item, None] = {}
    for name, kind in stage.inputs.items():
        if kind in project.producers:
            owners = _owners(project, stage, name, kind, item.video)
            found |= {Item(owner, project.producers[kind].name): None for owner in owners}
    return list(found)


def _owners(project: Project, stage: Stage[..., Any], name: str, kind: type[Artifact], video: str) -> list[str]:
    if project.over_dataset(kind):
        return [ALL]
    return chosen(project, stage) if name in stage.whole else [video]


def _alone(project: Project, states: Mapping[Item, State], chosen: list[Item]) -> dict[Item, State]:
    """The states of `chosen`; what waits for a stale item that is not among them cannot be made, and is blocked."""
    wanted = set(chosen)
    never = {item for item, state in states.items() if state.standing == "stale" and item not in wanted}
    blocked: dict[Item, State] = {}
    for item, state in states.items() if never else ():
        lacking = [source for source in sources(project, item) if source in never]
        if item in wanted and state.standing == "stale" and lacking:
            never.add(item)
            blocked[item] = State(item, "blocked", f"{lacking[0]}{NOT_MADE}", None)
    return {item: blocked.get(item, states[item]) for item in chosen}


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
