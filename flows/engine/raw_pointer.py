"""Update `data/raw.dvc`, by which DVC tracks the raw videos; recorded videos stay, whether on this machine or not."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from flows.engine.dvc_store.dvc_lock import DirHash
from flows.engine.dvc_store.dvc_pointer import read_pointer, write_pointer
from flows.engine.dvc_store.object_store import hash_listing
from flows.engine.file_marks import scan_folder
from flows.engine.linked_videos import read_linked_videos
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe_sync import REMOVED_MEMO
from flows.engine.storage import Storage
from tasks.content_hash import md5_file
from tasks.errors import SemflowError


def record_raw_videos(project: Project, storage: Storage, removed: list[str]) -> tuple[DirHash | None, str]:
    """Update the pointer: its recorded files without those `removed` on purpose, and all files on this machine.

    Gives the hash that it holds now (None where there is no video), and the reason where it cannot be updated, else "".
    """
    before = read_pointer(project.root, RAW_FOLDER)
    listing: dict[str, str] = {}
    sizes: dict[str, int] = {}
    marks = scan_folder(project.root / RAW_FOLDER)
    if before is not None:
        known = storage.objects.read_listing(before.md5)
        if known is None and storage.fetch_objects([before.md5]):
            known = storage.objects.read_listing(before.md5)
        if known is None:
            return before, (
                f"the recorded list of raw videos ({before.md5[:8]}) is neither in DVC's cache nor in its remote, and "
                "recording without it would drop what it names; run `dvc fetch data/raw.dvc`"
            )
        listing = {name: md5 for name, md5 in known.items() if name not in removed}
    for name, mark in marks.items():
        md5 = project.state.find_md5(str(project.root / RAW_FOLDER / name), mark)
        if md5 is None:
            md5 = md5_file(project.root / RAW_FOLDER / name)
            project.state.save_md5(str(project.root / RAW_FOLDER / name), mark, md5)
        listing[name], sizes[name] = md5, mark.size
    linked = {video.relative for video in read_linked_videos(project.root)}
    for video in project.videos.values():
        # Also videos known only from recipes: `dvc repro` rewrites the pointer from the files on this disk.
        if video.md5 is not None and video.relative not in linked and video.relative not in removed:
            listing.setdefault(video.relative, video.md5)
    if not listing:
        return before, ""
    if project.compute.get("store_raw", True):
        for name in marks:
            if not storage.objects.has_object(listing[name]):
                storage.add_file(project.root / RAW_FOLDER / name, listing[name])
    size = sum(sizes.get(name, _recorded_size(storage, md5)) for name, md5 in listing.items())
    md5_dir = hash_listing(listing)
    if before is not None and before.md5 == md5_dir:
        return before, ""
    storage.objects.write_listing(listing)
    held = DirHash(md5_dir, size, len(listing))
    write_pointer(project.root, RAW_FOLDER, held)
    return held, ""


def update_raw_pointer(project: Project, stages: Sequence[str]) -> None:
    """Update the pointer where one of `stages` reads raw videos, before `dvc repro` records these stages."""
    storage = Storage.open(project.root)
    reads = any(kind.is_raw for name in stages for kind in project.by_name[name].inputs.values())
    if storage is not None and reads:
        with contextlib.suppress(SemflowError, OSError):  # reported by `semflow run`, which records
            record_raw_videos(project, storage, (project.state.read_memo(REMOVED_MEMO) or {}).get("raw", []))


def _recorded_size(storage: Storage, md5: str) -> int:
    path = storage.objects.object_path(md5)
    return path.stat().st_size if path.is_file() else 0
