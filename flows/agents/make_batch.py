"""Write a batch for an agent: its documents, and the objects that it needs, into the exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flows.agents.batch import Batch, BatchVideo, write_batch
from flows.agents.cut_batches import BatchPart
from flows.agents.exchange import Exchange
from flows.agents.unread_videos import find_unread_videos
from flows.engine.artifact_stems import assign_stems
from flows.engine.film_parts import FilmParts
from flows.engine.item_state import UP_TO_DATE
from flows.engine.linked_videos import LinkedVideo, read_linked_videos
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.project import PARAMS_FILE, RAW_FOLDER
from flows.engine.recipe import Method, Recipe
from flows.engine.video_list import Video
from flows.engine.video_names import assign_video_names
from tasks.artifacts.artifact import DATASET_ITEM

ABSENT = "/nonexistent"
"""Place of a raw video that no machine can get, or that a batch does not read: what would read it is blocked on the
agent, in the engine's words."""


def make_batch(plan: Plan, part: BatchPart, batch_id: str, exchange: Exchange) -> Batch:
    """Make the batch of `part`, write it, and push what it reads; raises SemflowError where the exchange does not
    answer."""
    project = plan.project
    linked = {video.relative: video for video in read_linked_videos(project.root)}
    videos = [_describe_video(plan, project.videos[name], linked, exchange) for name in part.videos]
    if exchange.share == "remote":  # in a cache that all share, a raw video travels nowhere
        unread = find_unread_videos(plan, part)
        videos = [
            replace(video, place=f"{ABSENT}/{video.relative}") if video.name in unread and not video.place else video
            for video in videos
        ]
    recipes = _list_recipes(plan, part)
    used = {(recipe.stage, recipe.method) for recipe in recipes}
    batch = Batch(
        id=batch_id,
        videos=tuple(videos),
        items=part.items,
        params=(project.root / PARAMS_FILE).read_text(encoding="utf-8"),
        methods=tuple(d.method for d in project.declarations if not d.over_dataset),
        recipes=tuple(recipes),
        recipe_methods=tuple(_find_method(plan, stage, digest) for stage, digest in sorted(used)),
        files=_list_user_files(plan, part),
        others=_list_others(plan, part),
        needs=part.needs,
        expected_s=part.expected_s,
    )
    _push_inputs(plan, batch, exchange)
    write_batch(exchange.documents, batch)
    return batch


def _list_recipes(plan: Plan, part: BatchPart) -> list[Recipe]:
    """Recipes of what is up to date of these videos, and over the data set."""
    project = plan.project
    found: list[Recipe] = []
    for declaration in project.declarations:
        for owner in [DATASET_ITEM] if declaration.over_dataset else part.videos:
            recipe = project.recipe_store.recipes.get((declaration.name, project.artifact_stem(owner)))
            if recipe is not None and plan.states[Item(owner, declaration.name)].status in UP_TO_DATE:
                found.append(recipe)
    return found


def _find_method(plan: Plan, stage: str, digest: str) -> Method:
    return plan.project.recipe_store.methods[stage, digest]


def _list_user_files(plan: Plan, part: BatchPart) -> dict[str, str]:
    """Path to MD5 of the files that users wrote and that items of these videos read, also those that are up to date."""
    kinds = [
        kind
        for declaration in plan.project.declarations
        if not declaration.over_dataset
        for kind in declaration.inputs.values()
        if kind.user_path
    ]
    found: dict[str, str] = {}
    for video in part.videos:
        for kind in kinds:
            found |= plan.inventory.list_user_files(kind, video)
    return found


def _list_others(plan: Plan, part: BatchPart) -> tuple[str, ...]:
    """Paths of all other videos, where names or stems of the batch's would be different without them; else ()."""
    project = plan.project
    mine = {project.videos[name].relative: name for name in part.videos}
    names = assign_video_names(mine)
    same = names == mine
    for flat in (False, True):
        stems = assign_stems(names.values(), flat=flat) if same else {}
        same = same and all(
            stems[name] == (project.videos[name].flat_stem if flat else project.videos[name].stem)
            for name in mine.values()
        )
    return () if same else tuple(video.relative for video in project.videos.values() if video.relative not in mine)


def _describe_video(plan: Plan, video: Video, linked: Mapping[str, LinkedVideo], exchange: Exchange) -> BatchVideo:
    """The video with the place of its file: "" where agents fetch it from the exchange."""
    md5 = plan.inventory.find_raw_md5(video) or ""
    if video.relative in linked and video.place is not None:
        if address := linked[video.relative].address:
            return BatchVideo(video.name, video.relative, md5, address, form=Path(video.place).read_text("utf-8"))
        parts = linked[video.relative].parts
        entry = None if parts is None else _describe_parts(parts)
        return BatchVideo(video.name, video.relative, md5, video.place, entry)
    is_here = video.place is not None or (bool(md5) and exchange.store.has_object(md5))
    if is_here or (md5 and exchange.transfer.find_existing([md5])):
        return BatchVideo(video.name, video.relative, md5)
    return BatchVideo(video.name, video.relative, md5 or "0" * 32, f"{ABSENT}/{video.relative}")


def _describe_parts(parts: FilmParts) -> dict[str, Any]:
    """The entry of videos.yaml that gives these files."""
    if parts.frames is not None:
        return {"frames": str(parts.frames), "fps": parts.fps}
    return {"takes": [str(take) for take in parts.takes]}


def _push_inputs(plan: Plan, batch: Batch, exchange: Exchange) -> None:
    """Push raw videos, files that users wrote, and the artifacts that the batch reads and this machine has."""
    root, store = plan.project.root, exchange.store
    wanted = {video.md5: root / RAW_FOLDER / video.relative for video in batch.videos if not video.place}
    wanted |= {md5: root / path for path, md5 in batch.files.items()}
    missing = set(wanted) - exchange.transfer.find_existing(wanted)
    for md5 in missing:
        if not store.has_object(md5):
            store.add_file(wanted[md5], md5)
    artifacts = {
        md5
        for recipe in batch.recipes
        if plan.project.by_name[recipe.stage].keeps_artifacts
        for files in recipe.outputs.values()
        for md5, _ in files.values()
    }
    exchange.push_objects(missing | {md5 for md5 in artifacts if store.has_object(md5)})
