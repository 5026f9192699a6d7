"""The steps of erasing a video. Each can be repeated, so that an interrupted call can be resumed from its record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from flows.engine.atomic_files import remove_path
from flows.engine.dvc_store.repository_lock import hold_repository
from flows.engine.file_marks import read_mark
from flows.engine.film_addresses import forget_film_address
from flows.engine.item_jobs import CHECKPOINTS, checkpoint_folder
from flows.engine.overview_files import OVERVIEW_FILES, REPORTS
from flows.engine.plan import Plan
from flows.engine.project import RAW_FOLDER, STATE, Project
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX
from flows.engine.recipe_sync import REMOVED_MEMO
from flows.engine.record_rewrite import IsRemoved, remove_from_record
from flows.engine.state import State
from flows.engine.storage import Storage
from flows.engine.video_names import normalize_path
from flows.maintenance.erase_logs import erase_from_logs, mentions_name
from flows.maintenance.erasure_records import PendingErasure
from flows.maintenance.object_references import list_own_folders
from flows.maintenance.remove import MANIFEST, list_removals
from flows.maintenance.remove import REMOVALS_FOLDER as REMOVALS
from flows.overview.index import refresh_index
from tasks.content_hash import md5_file

SKIPPED_FOLDERS = {".git", ".venv", "node_modules"}
"""Folders that are not searched for copies, since semflow never writes to them."""


def note_removed(state: State, pending: PendingErasure) -> None:
    """Save in the state that these names were removed on purpose, for the next record."""
    memo = state.read_memo(REMOVED_MEMO) or {}
    stems = sorted({*memo.get("stems", []), *pending.stems})
    state.save_memo(REMOVED_MEMO, {"stems": stems, "raw": sorted({*memo.get("raw", []), pending.relative})})


def erase_files(project: Project, pending: PendingErasure) -> None:
    """Delete the video's files and checkpoints in the working copy; the raw file last, by which the video is found."""
    root = project.root
    _erase_removed(root, pending)
    for path in pending.paths:
        remove_path(root / path)
        _clear_above(root, path)
    if not (root / STATE / CHECKPOINTS).is_dir():
        return
    states = Plan.examine_project(project).states
    wanted = {checkpoint_folder(root, state) for state in states.values() if state.item.video not in pending.names}
    for part in (root / STATE / CHECKPOINTS).glob("*"):
        if part not in wanted:
            remove_path(part)


def rewrite_record(project: Project, storage: Storage, pending: PendingErasure) -> None:
    """Write the index page and the card without the video, and remove it from dvc.lock and data/raw.dvc."""
    plan = Plan.examine_project(project)
    page = refresh_index(project, plan)
    replaced: dict[tuple[str, str], str] = {}
    for name in OVERVIEW_FILES if page is not None else ():
        file = project.root / REPORTS / name
        if (mark := read_mark(file)) is not None and mark.size:
            replaced[REPORTS, name] = md5_file(file)
            storage.add_file(file, replaced[REPORTS, name])
    with hold_repository(project.root):
        remove_from_record(
            project, storage, [*list_own_folders(project), RAW_FOLDER], _is_gone(project, pending), replaced
        )


def erase_objects(project: Project, storage: Storage, pending: PendingErasure) -> None:
    """Delete the objects in DVC's cache, except those that another video has come to need since the record was made."""
    for md5 in sorted(find_still_needed(project, pending.keys) & pending.objects.keys()):
        pending.shared.append(md5)
        del pending.objects[md5]
    pending.save(project.root)
    with hold_repository(project.root):
        for md5 in (*pending.listings, *pending.objects):
            path = storage.objects.object_path(md5)
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                path.parent.rmdir()


def find_still_needed(project: Project, keys: Collection[str]) -> set[str]:
    """MD5 of all objects that recipes, raw files and the ledger without `keys` name."""
    recipes = project.recipe_store.recipes.values()  # an item of another video may have the same key
    found = {md5 for recipe in recipes for files in recipe.outputs.values() for md5, _ in files.values()}
    found |= {md5 for d in project.declarations for md5, _ in project.recipe_store.list_stage_files(d.name).values()}
    found |= {video.md5 for video in project.videos.values() if video.md5 is not None}
    for video in project.videos.values():
        if video.file is not None and (mark := read_mark(video.file)) is not None:
            found.add(project.state.find_md5(str(video.file), mark) or md5_file(video.file))
    for row in project.state.read_ledger():
        if row.key in keys:
            continue
        found |= {md5 for files in row.outputs.values() for md5, _ in files.values()}
    return found


def erase_memory(state: State, root: Path, pending: PendingErasure) -> None:
    """Erase the video from the state database and the logs."""
    prefixes, raw = tuple(f"{path}/" for path in pending.paths), f"/{RAW_FOLDER}/{pending.relative}"
    # A project that was moved has raw files under earlier absolute paths; a linked video has another's.
    paths = [
        path
        for path, (_, md5) in state.files.items()
        if path.startswith(prefixes) or path.endswith(raw) or md5 in pending.objects
    ]
    paths += pending.paths
    for name in pending.names:
        state.forget_video(name, paths)
    state.forget_keys(pending.keys)
    state.clear_deaths(pending.keys)
    memo = state.read_memo(REMOVED_MEMO) or {}
    gone = {"stems": set(pending.stems), "raw": {pending.relative}}
    state.save_memo(REMOVED_MEMO, {name: sorted(set(memo.get(name, [])) - gone[name]) for name in gone})
    named = {*pending.names, *pending.stems}
    memos = [name for name, value in state.read_memos("").items() if mentions_name(f"{name} {value!r}", named)]
    state.drop_memos([name for name in memos if name != REMOVED_MEMO])
    forget_film_address(root, state, pending.relative)
    state.erase_deleted_rows()
    erase_from_logs(root, {*named, *pending.flat_stems, pending.relative})


def find_copies(root: Path, cache: Path, objects: Collection[str], sizes: Collection[int | None]) -> list[Path]:
    """Files below `root` with the bytes of an erased object, of which there should be none; empty files are ignored."""
    found: list[Path] = []
    for path in _files_below(root, {cache}):
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            if size and (None in sizes or size in sizes) and md5_file(path) in objects:
                found.append(path)
    return found


def _files_below(root: Path, skipped: Collection[Path]) -> Iterator[Path]:
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name not in SKIPPED_FOLDERS and Path(folder) / name not in skipped]
        yield from (path for name in names if not (path := Path(folder) / name).is_symlink())


def _is_gone(project: Project, pending: PendingErasure) -> IsRemoved:
    """A test whether an entry of a listing belongs to the video: by name and hash, as another may have the name now."""
    kinds = {kind.folder: kind for d in project.declarations if not d.over_dataset for kind in d.outputs}
    stems, flat, raw = set(pending.stems), set(pending.flat_stems), normalize_path(pending.relative)
    mine = {*pending.objects, *pending.shared}

    def gone(folder: str, name: str, md5: str) -> bool:
        if folder == RAW_FOLDER:
            return normalize_path(name) == raw
        if md5 not in mine:
            return False
        if folder.startswith(f"{RECIPE_FOLDER}/"):
            return name.endswith(RECIPE_SUFFIX) and name.removesuffix(RECIPE_SUFFIX) in stems
        kind = kinds.get(folder)
        if kind is None:
            return False
        return name.partition("/")[0] in flat if kind.is_folder else name.removesuffix(kind.suffix) in stems

    return gone


def _erase_removed(root: Path, pending: PendingErasure) -> None:
    """Delete what earlier removals moved to the removals folder."""
    above = root / STATE / REMOVALS
    for place, removal in list_removals(root):
        for video in removal.videos:
            if normalize_path(video.relative) == normalize_path(pending.relative):
                if len(removal.videos) == 1:
                    remove_path(place)
                else:
                    for path in video.paths:
                        remove_path(place / path)
                    text = (place / MANIFEST).read_text(encoding="utf-8")
                    _take_out(place / MANIFEST, text, video.relative)
    for path in pending.paths:
        remove_path(above / path)


def _take_out(manifest: Path, text: str, relative: str) -> None:
    from dataclasses import replace

    from flows.maintenance.remove import VideoRemoval
    from tasks.atomic_file import write_text_atomically

    removal = VideoRemoval.from_text(text)
    left = tuple(video for video in removal.videos if video.relative != relative)
    write_text_atomically(manifest, replace(removal, videos=left).to_text())


def _clear_above(root: Path, path: str) -> None:
    """Remove empty parent folders of a nested name, but never an artifact folder itself."""
    for folder in list((root / path).parents):
        below = folder.relative_to(root).parts if folder.is_relative_to(root) else ()
        if len(below) <= (3 if below[:2] == ("data", "recipes") else 2 if below[:1] == ("data",) else 1):
            return
        with contextlib.suppress(OSError):
            folder.rmdir()
