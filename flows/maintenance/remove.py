"""`semflow remove`: remove videos from the data set and move their files to `.semflow/removed`; `--undo` restores the
last removal, or that of a video.

The next `semflow run` records the smaller data set. Objects in DVC's cache and remote are kept: see `semflow forget`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.engine.atomic_files import move_into_place, remove_path
from flows.engine.project import STATE, Project
from flows.engine.project_lock import hold_project
from flows.engine.recipe_sync import REMOVED_MEMO
from flows.engine.state import State
from flows.engine.video_list import Video, merge_videos
from flows.engine.video_names import resolve_video_name
from flows.engine.video_paths import list_video_paths, require_project_file
from flows.maintenance.terminal_dialog import ask_confirmation, open_project, print_answer, resolve_videos
from tasks.atomic_file import write_text_atomically
from tasks.errors import SemflowError

REMOVALS_FOLDER = "removed"
MANIFEST = "removed.json"


@dataclass(frozen=True)
class RemovedVideo:
    """One video that was removed."""

    name: str
    relative: str
    """Path below data/raw."""
    stem: str
    """Stem of its recipes."""
    paths: tuple[str, ...]
    """Its files and folders relative to the project's root, in the order in which they were moved."""


@dataclass(frozen=True)
class VideoRemoval:
    """One call of the command, from its manifest."""

    at: float
    """Seconds since 1970."""
    videos: tuple[RemovedVideo, ...]
    renamed: tuple[str, ...]
    """Former stems of videos whose names changed because these were removed."""

    def to_text(self) -> str:
        """The content of the manifest file."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> VideoRemoval:
        """The removal in a manifest; raises ValueError, TypeError or KeyError where it is not valid."""
        value = json.loads(text)
        videos = tuple(
            RemovedVideo(video["name"], video["relative"], video["stem"], tuple(video["paths"]))
            for video in value["videos"]
        )
        return cls(float(value["at"]), videos, tuple(value["renamed"]))


@click.command(cls=ValuesCommand)
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@click.option("--undo", "is_undo", is_flag=True, help="restore the last removal, or that of the named videos")
@click.option("--yes", is_flag=True, help="do not ask")
@JSON_OPTION
def command(*, videos: tuple[str, ...], is_undo: bool, yes: bool, as_json: bool) -> int:
    """Remove videos from the data set; `--undo` restores them."""
    if not is_undo and not videos:
        raise SemflowError("VIDEO must be named, got none; `semflow plan --all` lists them")
    project = open_project(fetch=True)
    try:
        if is_undo:
            with hold_project(project):
                found = undo_removal(project.root, project.state, videos)
        else:
            names = resolve_videos(project, videos)
            many = names[0] if len(names) == 1 else f"{len(names)} videos ({', '.join(names[:5])})"
            ask_confirmation(f"Remove {many} from the data set?", yes=yes, needed=False)
            with hold_project(project):
                found = remove_videos(project, names)
    finally:
        project.close()
    print_answer(found, _lines(found, is_undo), as_json=as_json)
    return 0


def remove_videos(project: Project, names: Sequence[str]) -> dict[str, Any]:
    """Move all files of these videos to `.semflow/removed/<time>/`; gives what was moved, as JSON values."""
    for name in names:
        require_project_file(project, project.videos[name])
    videos = tuple(_describe(project, project.videos[name]) for name in names)
    removal = VideoRemoval(time.time(), videos, tuple(sorted(_renamed(project, names))))
    place = _new_place(project.root)
    # The manifest is written first, so that --undo can restore also an interrupted removal.
    write_text_atomically(place / MANIFEST, removal.to_text())
    _note(project.state, [*(video.stem for video in videos), *removal.renamed], [video.relative for video in videos])
    moved: dict[str, list[str]] = {}
    for video in videos:
        moved[video.name] = [path for path in video.paths if _move(project.root, path, place)]
        _clear_folders(project.root, video)
    return {
        "removed": moved,
        "to": place.relative_to(project.root).as_posix(),
        "raw_not_here": [name for name in names if not project.videos[name].is_local],
    }


def undo_removal(root: Path, state: State, typed: Sequence[str]) -> dict[str, Any]:
    """Restore the last removal, or each of the videos `typed` from the last removal that has it."""
    removals = list_removals(root)
    if not removals:
        raise SemflowError(f"{STATE}/{REMOVALS_FOLDER} must hold a removal to undo, got none")
    place, removal = removals[-1]
    wanted = [_find(removals, word) for word in typed] or [(place, video) for video in removal.videos]
    for place, video in wanted:
        _check_free(root, place, video)
    back: dict[str, list[str]] = {}
    for place, video in wanted:
        # In reverse order: the raw file and the recipes first, by which the video is found again.
        back[video.name] = [path for path in reversed(video.paths) if _move(place, path, root)]
        stems = [video.stem, *_drop(place, video)]
        _note(state, stems, [video.relative], back=True)
    return {"restored": back}


def list_removals(root: Path) -> list[tuple[Path, VideoRemoval]]:
    """Folder and manifest of every removal that can be undone, in order of time."""
    found: list[tuple[Path, VideoRemoval]] = []
    for manifest in (root / STATE / REMOVALS_FOLDER).glob(f"*/{MANIFEST}"):
        with suppress(OSError, ValueError, TypeError, KeyError):
            found.append((manifest.parent, VideoRemoval.from_text(manifest.read_text(encoding="utf-8"))))
    return sorted(found, key=lambda one: (one[1].at, one[0].name))


def _describe(project: Project, video: Video) -> RemovedVideo:
    """The record of a video; its raw file is moved last, so that an interrupted call can be repeated."""
    places = list_video_paths(project, video)
    return RemovedVideo(video.name, video.relative, video.stem, (*places.artifacts, *places.recipes, *places.raw))


def _renamed(project: Project, names: Sequence[str]) -> set[str]:
    """Stems of the other videos that change when `names` are removed; their recipes will be written again."""
    left = [video for video in project.videos.values() if video.name not in names]
    after = merge_videos((), {video.relative: None for video in left})
    stems = {video.relative: video.stem for video in after.values()}
    return {video.stem for video in left if stems.get(video.relative) != video.stem}


def _new_place(root: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%S")
    above = root / STATE / REMOVALS_FOLDER
    names = (above / (f"{stamp}-{n}" if n else stamp) for n in count())
    place = next(path for path in names if not path.exists())
    place.mkdir(parents=True)
    return place


def _note(state: State, stems: Sequence[str], raw: Sequence[str], *, back: bool = False) -> None:
    """Add to the removals that the next record accepts, or with `back` take from them."""
    memo = state.read_memo(REMOVED_MEMO) or {}
    after = {name: set(memo.get(name, [])) for name in ("stems", "raw")}
    for name, values in (("stems", stems), ("raw", raw)):
        after[name] = after[name] - set(values) if back else after[name] | set(values)
    state.save_memo(REMOVED_MEMO, {name: sorted(values) for name, values in after.items()})


def _move(above: Path, path: str, to: Path) -> bool:
    """Move `path` from the folder `above` to the folder `to`; whether it existed."""
    if not os.path.lexists(above / path):
        return False
    try:
        move_into_place(above / path, to / path)
    except OSError as error:
        reason = f"{error.strerror or error}; fix that and call this again"
        raise SemflowError(f"{above / path} could not be moved to {to / path}: {reason}") from None
    return True


def _clear_folders(root: Path, video: RemovedVideo) -> None:
    """Remove empty parent folders of a nested name."""
    for path in video.paths:
        nested = max(video.stem.count("/"), video.relative.count("/"))
        for folder in list((root / path).parents)[:nested]:
            with suppress(OSError):
                folder.rmdir()


def _find(removals: Sequence[tuple[Path, VideoRemoval]], typed: str) -> tuple[Path, RemovedVideo]:
    known = {video.name: (place, video) for place, removal in removals for video in removal.videos}
    return known[resolve_video_name({video.relative: name for name, (_, video) in known.items()}, typed)]


def _check_free(root: Path, place: Path, video: RemovedVideo) -> None:
    both = [path for path in video.paths if os.path.lexists(place / path) and os.path.lexists(root / path)]
    if both:
        raise SemflowError(
            f"{video.name} must be restored to paths that do not exist, got {both[0]}; move that away, or "
            "`semflow remove` the video that has it now"
        )


def _drop(place: Path, video: RemovedVideo) -> tuple[str, ...]:
    """Remove a video from the manifest; with the last one, delete the folder and give the stems of renamed videos."""
    removal = VideoRemoval.from_text((place / MANIFEST).read_text(encoding="utf-8"))
    left = tuple(other for other in removal.videos if other.name != video.name)
    if left:
        write_text_atomically(place / MANIFEST, replace(removal, videos=left).to_text())
        return ()
    remove_path(place)
    return removal.renamed


def _lines(found: dict[str, Any], undone: bool) -> Iterator[str]:
    if undone:
        for name, paths in found["restored"].items():
            yield f"{name}: {len(paths)} files and folders are back in place"
        yield "`semflow run` records it"
        return
    for name, paths in found["removed"].items():
        yield f"{name}: {len(paths)} files and folders moved to {found['to']}"
        if name in found["raw_not_here"]:
            yield f"{name}: its raw file is not here; where it is, `semflow run` would take it into the data set again"
    yield "`semflow run` records it; `semflow remove --undo` puts it back"
    yield "DVC's cache and remote still hold what was recorded of it; `semflow forget` erases that too"
