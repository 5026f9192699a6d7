"""Write `dvc.lock`, the directory listings, the metrics and the pointer to the raw videos.

Directory listings are made from recipes, so that a file that is not on this disk stays in the recorded version, and
nothing is hashed again. A stage whose new version would lose videos of the recorded one is not recorded, and the
reason is returned.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from flows.engine.declaration import Declaration
from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, StageRecord, read_lock, read_lock_params, update_lock
from flows.engine.dvc_store.git_ignore import ignore_in_git
from flows.engine.dvc_store.object_store import hash_listing
from flows.engine.dvc_store.repository_lock import hold_repository
from flows.engine.dvc_yaml import list_input_folders, list_recorded_folders, make_dvc_stage
from flows.engine.file_marks import read_mark, scan_folder
from flows.engine.metrics_file import name_metrics_file, write_metrics
from flows.engine.outcome import Item
from flows.engine.overview_files import OVERVIEW_FILES, REPORTS
from flows.engine.plan import Plan
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.raw_pointer import record_raw_videos
from flows.engine.recipe import METHOD_SUFFIX, RECIPE_FOLDER, RECIPE_SUFFIX
from flows.engine.recipe_sync import REMOVED_MEMO, note_synced
from flows.engine.storage import Storage
from tasks.content_hash import md5_file
from tasks.errors import SemflowError

MAX_NAMES_SHOWN = 5
Listing = Mapping[str, tuple[str, int]]
"""Relative path to MD5 and size."""


@dataclass
class _Recording:
    project: Project
    plan: Plan
    storage: Storage
    earlier: Mapping[str, StageRecord]
    removed: Mapping[str, list[str]]
    held: dict[str, FileHash | DirHash] = field(default_factory=dict[str, FileHash | DirHash])
    """Folder to its hash in this version."""
    listings: dict[str, Listing] = field(default_factory=dict[str, Listing])


def commit_stages(project: Project, plan: Plan, storage: Storage) -> dict[str, str]:
    """Record in dvc.lock every stage whose items all have a valid recipe; gives the other stages with the reason."""
    with hold_repository(project.root):
        removed = project.state.read_memo(REMOVED_MEMO) or {}
        recording = _Recording(project, plan, storage, read_lock(project.root), removed)
        unrecorded = _record(recording)
    if not unrecorded:
        project.state.save_memo(REMOVED_MEMO, {})
        note_synced(project.root, project.state)
    return unrecorded


def _record(recording: _Recording) -> dict[str, str]:
    project = recording.project
    project.recipe_store.remove_methods(project.recipe_store.find_unused_methods())
    unrecorded: dict[str, str] = {}
    records: list[StageRecord] = []
    raw, trouble = record_raw_videos(project, recording.storage, recording.removed.get("raw", []))
    if raw is not None:
        recording.held[RAW_FOLDER] = raw
    for declaration in project.declarations:
        reason = _obstacle(declaration, recording.plan)
        if not reason and any(kind.is_raw for kind in declaration.inputs.values()):
            reason = trouble
        if not reason:
            recording.listings |= _listings(recording, declaration)
            reason = _loss(recording, declaration)
        if reason:
            unrecorded[declaration.name] = reason
            continue
        for folder in list_recorded_folders(declaration):
            recording.held[folder] = _keep(recording, declaration, folder)
        path = write_metrics(project, declaration)
        recording.held[name_metrics_file(declaration)] = FileHash.from_file(path, md5_file(path))
        records.append(_as_record(recording, declaration))
    update_lock(project.root, records)
    return unrecorded


def _obstacle(declaration: Declaration, plan: Plan) -> str:
    """Why the stage cannot be recorded; "" where all its items are fresh or have a recorded fault."""
    for video in plan.project.list_owners(declaration):
        state = plan.states[Item(video, declaration.name)]
        if state.status == "stale" or not state.recorded:
            return f"{state.item} is {state.status} ({state.reason})"
    return "" if plan.project.videos else "there is no video"


def _listings(recording: _Recording, declaration: Declaration) -> dict[str, Listing]:
    """Folder to the files that the stage's items have there, whether they are on this disk or not."""
    project = recording.project
    found: dict[str, dict[str, tuple[str, int]]] = {folder: {} for folder in list_recorded_folders(declaration)}
    recipes = found[f"{RECIPE_FOLDER}/{declaration.name}"]
    for name, held in project.recipe_store.list_stage_files(declaration.name).items():
        if name.endswith((METHOD_SUFFIX, RECIPE_SUFFIX)):
            recipes[name] = held
    for video in project.list_owners(declaration):
        outputs = recording.plan.states[Item(video, declaration.name)].outputs
        for kind in declaration.outputs if declaration.keeps_artifacts else ():
            stem = project.artifact_stem(video, kind) + kind.suffix
            for name, file in outputs.get(kind.folder, {}).items():
                found[kind.folder][f"{stem}/{name}" if name else stem] = file
    for name in OVERVIEW_FILES if REPORTS in found else ():
        mark = read_mark(project.root / REPORTS / name)
        if mark is not None:
            md5 = recording.plan.inventory.find_md5(f"{REPORTS}/{name}", mark)
            found[REPORTS][name] = (md5 or "", mark.size)
    return dict(found)


def _loss(recording: _Recording, declaration: Declaration) -> str:
    """Message that names the recipes that the recorded version has and this one would lose; "" for none."""
    folder = f"{RECIPE_FOLDER}/{declaration.name}"
    before = recording.earlier.get(declaration.name)
    held = None if before is None else before.outs.get(folder)
    if not isinstance(held, DirHash) or hash_listing(_md5s(recording.listings[folder])) == held.md5:
        return ""
    listing = _read_listing(recording.storage, held.md5)
    if listing is None:
        return (
            f"the recorded list of {held.nfiles} recipes ({held.md5[:8]}) is neither in DVC's cache nor in its remote, "
            "and recording without it would drop what it names; run `dvc fetch`"
        )
    gone = set(recording.removed.get("stems", []))
    lost = [
        name.removesuffix(RECIPE_SUFFIX)
        for name in listing
        if name.endswith(RECIPE_SUFFIX)
        and name not in recording.listings[folder]
        and name.removesuffix(RECIPE_SUFFIX) not in gone
    ]
    if not lost:
        return ""
    shown = ", ".join(sorted(lost)[:MAX_NAMES_SHOWN]) + (", ..." if len(lost) > MAX_NAMES_SHOWN else "")
    return (
        f"the recorded version holds {len(lost)} videos whose recipes are not here ({shown}); run "
        "`dvc pull data/recipes` to keep them, or `semflow remove` to take them out"
    )


def _keep(recording: _Recording, declaration: Declaration, folder: str) -> DirHash:
    """Put a folder's listing and its new files into DVC's cache; gives the folder's hash."""
    listing, objects = recording.listings[folder], recording.storage.objects
    held = DirHash(hash_listing(_md5s(listing)), sum(size for _, size in listing.values()), len(listing))
    before = recording.earlier.get(declaration.name)
    earlier = None if before is None else before.outs.get(folder)
    if earlier is None:  # folders that DVC tracks are ignored by git
        ignore_in_git(recording.project.root, RECIPE_FOLDER if folder.startswith(f"{RECIPE_FOLDER}/") else folder)
    (recording.project.root / folder).mkdir(parents=True, exist_ok=True)
    if isinstance(earlier, DirHash) and earlier.md5 == held.md5 and objects.has_object(held.md5):
        return held
    known = objects.read_listing(earlier.md5) if isinstance(earlier, DirHash) else None
    for name, (md5, _) in listing.items():
        if (known or {}).get(name) != md5 and not objects.has_object(md5):
            # What is not here stays in the recorded version; a path that is not opened needs no look before.
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                objects.add_file(recording.project.root / folder / name, md5)
    objects.write_listing(_md5s(listing))
    return held


def _as_record(recording: _Recording, declaration: Declaration) -> StageRecord:
    project = recording.project
    wanted = make_dvc_stage(project, declaration)
    deps: dict[str, FileHash | DirHash] = {}
    for folder in list_input_folders(project, declaration):
        held = recording.held.get(folder) or _held_before(recording, folder) or _written(recording, folder)
        deps[folder] = held
    for name in wanted["deps"]:
        if name not in deps:
            deps[name] = _file(recording.plan, name)
    return StageRecord(
        name=declaration.name,
        cmd=wanted["cmd"],
        deps=deps,
        params=read_lock_params(project.root, wanted["params"]),
        outs={
            path: recording.held[path] for path in (*list_recorded_folders(declaration), name_metrics_file(declaration))
        },
    )


def _held_before(recording: _Recording, folder: str) -> FileHash | DirHash | None:
    """The recorded hash of a folder of artifacts or recipes whose stage is not recorded in this version."""
    project = recording.project
    maker = project.producers.get(folder) or project.by_name.get(folder.removeprefix(f"{RECIPE_FOLDER}/"))
    before = None if maker is None else recording.earlier.get(maker.name)
    return None if before is None else before.outs.get(folder)


def _written(recording: _Recording, folder: str) -> DirHash:
    """The hash of a folder that users write, from its present files."""
    root = recording.project.root
    (root / folder).mkdir(parents=True, exist_ok=True)
    marks = scan_folder(root / folder)
    md5s = {name: recording.plan.inventory.find_md5(f"{folder}/{name}", mark) or "" for name, mark in marks.items()}
    return DirHash(hash_listing(md5s), sum(mark.size for mark in marks.values()), len(marks))


def _file(plan: Plan, name: str) -> FileHash:
    path = plan.project.root / name
    mark = read_mark(path)
    md5 = None if mark is None else plan.inventory.find_md5(name, mark)
    if md5 is None:
        raise SemflowError(f"{path} must be readable, got no such file; restore it with git")
    return FileHash.from_file(path, md5)


def _read_listing(storage: Storage, md5: str) -> dict[str, str] | None:
    found = storage.objects.read_listing(md5)
    if found is None and storage.has_remote and storage.fetch_objects([md5]):
        found = storage.objects.read_listing(md5)
    return found


def _md5s(listing: Listing) -> dict[str, str]:
    return {name: md5 for name, (md5, _) in listing.items()}
