"""`semflow forget`: erase a video and everything computed from it, in every version, and write a proof of erasure.

Erased are: its raw file, artifacts, reports, recipes and labels in the working copy; its objects of every recorded
version in DVC's cache and, with --remote, in the remote, except those that others need too; its entries in the state
and the logs. `dvc.lock` and `data/raw.dvc` are rewritten. Copies that cannot be reached are listed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.text_formatting import format_size
from flows.engine.dvc_store.dvc_config import read_config
from flows.engine.project import Project
from flows.engine.project_lock import hold_project
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX
from flows.engine.storage import Storage
from flows.engine.video_list import Video
from flows.engine.video_paths import list_video_paths, require_project_file
from flows.maintenance import erase_video
from flows.maintenance.erasure_records import PendingErasure, find_proof, list_pending, write_proof
from flows.maintenance.terminal_dialog import ask_confirmation, open_project, print_answer, resolve_videos
from flows.maintenance.unreachable_copies import describe_unreachable
from flows.maintenance.video_traces import VideoTraces, find_traces
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.dvc_store.remote import Remote

RESUME_HINT = "`semflow forget --resume` continues"


@click.command(cls=ValuesCommand)
@click.argument("video", required=False, metavar="[VIDEO]")
@click.option("--remote", is_flag=True, help="erase also its objects in the DVC remote")
@click.option("--resume", is_flag=True, help="finish an earlier call that was interrupted or failed")
@click.option("--yes", is_flag=True, help="do not ask")
@JSON_OPTION
def command(*, video: str | None, remote: bool, resume: bool, yes: bool, as_json: bool) -> int:
    """Erase a video and everything computed from it permanently, and write a proof.

    The exit code is 0 only where nothing of it is left that can be reached.
    """
    if (video is None) != resume:
        raise SemflowError("either VIDEO or --resume must be given")
    project = open_project(fetch=True)
    root = project.root
    try:
        pendings = _unfinished(root, video, remote)
        if pendings:
            with hold_project(project):
                found = [finish_erasure(open_project, pending) for pending in pendings]
        else:
            assert video is not None
            found = [_begin(project, video, remote=remote, yes=yes)]
    finally:
        project.close()
    good = all(one["good"] for one in found)
    print_answer({"forgotten": found, "good": good}, (line for one in found for line in _lines(one)), as_json=as_json)
    return 0 if good else 1


def forget_video(reopen: Callable[[], Project], project: Project, name: str, *, remote: bool = False) -> dict[str, Any]:
    """Erase the video `name`; the caller holds the project's lock. Gives the proof, and whether all is `good`."""
    video = project.videos[name]
    require_project_file(project, video)
    storage = Storage.open(project.root)
    if storage is None:
        traces = VideoTraces({video.name}, {video.stem}, {video.flat_stem})
    else:
        traces = find_traces(project, storage, video)
    pending = _plan(project, video, traces, remote)
    pending.save(project.root)
    project.state.flush()  # it stays open and must not write entries that are erased below
    return finish_erasure(reopen, pending)


def finish_erasure(reopen: Callable[[], Project], pending: PendingErasure) -> dict[str, Any]:
    """Perform all steps of a pending record; steps that an earlier call has done have no effect."""
    project = reopen()
    root = project.root
    storage = Storage.open(root)
    try:
        erase_video.note_removed(project.state, pending)
        erase_video.erase_files(project, pending)
    finally:
        project.close()
    project = reopen()  # now without the video
    try:
        if storage is not None:
            erase_video.rewrite_record(project, storage, pending)
            erase_video.erase_objects(project, storage, pending)
        erase_video.erase_memory(project.state, root, pending)
    finally:
        project.close()
    left = _erase_in_remote(root, pending) if pending.remote else ""
    return _prove(root, storage, pending, left)


def _unfinished(root: Path, typed: str | None, remote: bool) -> list[PendingErasure]:
    """Pending records that this call is to finish: all with --resume (`typed` None), else those of the video."""
    pendings = list_pending(root)
    if typed is None:
        if not pendings:
            raise SemflowError("--resume must have something to finish, got nothing that an earlier call left")
        return pendings
    mine = [pending for pending in pendings if typed in (*pending.names, pending.relative)]
    for pending in mine:
        pending.remote = pending.remote or remote
    return mine


def _begin(project: Project, typed: str, *, remote: bool, yes: bool) -> dict[str, Any]:
    try:
        (name,) = resolve_videos(project, [typed])
    except SemflowError:
        proof = find_proof(project.root, typed)
        if proof is None:
            raise
        return _repeat(project, typed, *proof, remote=remote, yes=yes)
    where = "here, in DVC's cache and in its remote" if remote else "here and in DVC's cache"
    ask_confirmation(f"Erase {name} and everything made of it, {where}, for good?", yes=yes, needed=True)
    with hold_project(project):
        return forget_video(open_project, project, name, remote=remote)


def _repeat(
    project: Project, typed: str, path: Path, proof: dict[str, Any], *, remote: bool, yes: bool
) -> dict[str, Any]:
    """Handle a video that was forgotten before: with --remote its objects in the remote are erased too."""
    if not remote or proof["remote"] is not None:
        raise SemflowError(
            f"VIDEO must be one of this project, got {typed!r}, which was forgotten at {proof['at']}: see "
            f"{path.relative_to(project.root)}"
        )
    ask_confirmation("Erase what the remote still has of it?", yes=yes, needed=True)
    needed = erase_video.find_still_needed(project, proof["keys"])
    pending = PendingErasure(
        video=typed,
        relative="",
        names=[],
        stems=[],
        flat_stems=[],
        keys=proof["keys"],
        paths=[],
        objects={one["md5"]: [one["bytes"], one["folder"]] for one in proof["erased"] if one["md5"] not in needed},
        shared=proof["shared"],
        listings=proof["listings"],
        remote=True,
        notes=proof["cannot_reach"],
        at=time.time(),
    )
    with hold_project(project):
        pending.save(project.root)
        return _prove(project.root, Storage.open(project.root), pending, _erase_in_remote(project.root, pending), proof)


def _plan(project: Project, video: Video, traces: VideoTraces, remote: bool) -> PendingErasure:
    """The pending record: everything that is to be erased."""
    places = list_video_paths(project, video)
    others = [other for other in project.videos.values() if other.name != video.name]
    taken, taken_flat = {other.stem for other in others}, {other.flat_stem for other in others}
    old: list[str] = []
    for declaration in project.declarations:
        if declaration.over_dataset:
            continue
        stems = traces.stems - taken
        old += [f"{RECIPE_FOLDER}/{declaration.name}/{stem}{RECIPE_SUFFIX}" for stem in stems]
        for kind in declaration.outputs:
            mine = traces.flat_stems - taken_flat if kind.is_folder else stems
            old += [f"{kind.folder}/{stem}{kind.suffix}" for stem in mine]
    everything = (*places.artifacts, *places.written, *places.commands, *old, *places.recipes, *places.raw)
    return PendingErasure(
        video=video.name,
        relative=video.relative,
        names=sorted({*traces.names, video.name}),
        stems=sorted(traces.stems),
        flat_stems=sorted(traces.flat_stems),
        keys=sorted(traces.keys),
        paths=list(dict.fromkeys(everything)),
        objects={md5: list(at) for md5, at in sorted(traces.objects.items())},
        shared=sorted(traces.shared),
        listings=sorted(traces.listings),
        remote=remote,
        notes=list(describe_unreachable(project, video, traces)),
        at=time.time(),
    )


def _erase_in_remote(root: Path, pending: PendingErasure) -> str:
    """Erase the objects in the remote; gives the error message, "" for none."""
    try:
        remote = _remote(root)
        if remote is not None:
            remote.delete_objects([*pending.listings, *pending.objects])
    except SemflowError as error:
        return str(error)
    return ""


def _remote(root: Path) -> Remote | None:
    from flows.engine.dvc_store.remote import Remote

    return Remote.open(root)


def _prove(
    root: Path, storage: Storage | None, pending: PendingErasure, left: str, earlier: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Search for everything that was erased; writes the proof where nothing is left. Gives JSON values."""
    config = read_config(root)
    remote = config.remote if config is not None else None
    cache = storage.objects.folder if storage is not None else root / ".dvc/cache"
    sizes = {at[0] for at in pending.objects.values()}
    copies = erase_video.find_copies(root, cache, pending.objects, sizes)
    in_cache = [md5 for md5 in pending.objects if storage is not None and storage.objects.has_object(md5)]
    in_remote: int | None = None
    if pending.remote and not left:
        try:
            opened = _remote(root)
            in_remote = 0 if opened is None else len(opened.find_existing(pending.objects))
        except SemflowError as error:
            left = str(error)
    notes = list(pending.notes)
    if remote is not None and not pending.remote:
        notes.append(
            f"the DVC remote {remote!r}, which was not asked: `semflow forget VIDEO --remote` erases there too"
        )
    proof = {
        "video_sha256": pending.name_sha256 if earlier is None else earlier["video_sha256"],
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "semflow": _version(),
        "erased": [{"md5": md5, "bytes": at[0], "folder": at[1]} for md5, at in pending.objects.items()],
        "listings": pending.listings,
        "shared": pending.shared,
        "keys": pending.keys,
        "places": ["working copy", "cache", *([f"remote {remote}"] if pending.remote and remote else [])],
        "remote": remote if pending.remote else None,
        "found_after": {"working_copy": len(copies), "cache": len(in_cache), "remote": in_remote},
        "cannot_reach": [note for note in notes if earlier is None or "which was not asked" not in note],
    }
    good = not left and not copies and not in_cache and not in_remote
    path = ""
    if good:
        path = write_proof(root, proof).relative_to(root).as_posix()
        pending.note_path(root).unlink(missing_ok=True)
    paths = [file.relative_to(root).as_posix() for file in copies]
    return {"video": pending.video, "good": good, "left": left, "copies": paths, "proof": proof, "path": path}


def _version() -> str:
    try:
        return metadata.version("semflow")
    except metadata.PackageNotFoundError:
        return "unknown"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    proof = found["proof"]
    counts: Counter[str] = Counter()
    for one in proof["erased"]:
        counts[one["folder"]] += one["bytes"] or 0
    total = sum(counts.values())
    places = ", ".join(proof["places"])
    yield f"{found['video']}: {len(proof['erased'])} objects of {format_size(total)} erased ({places})"
    yield from (f"  {folder}: {format_size(count)}" for folder, count in sorted(counts.items()))
    if proof["shared"]:
        yield f"{len(proof['shared'])} objects are kept because something else has the same bytes"
    if found["left"]:
        yield f"not done: {found['left']}; {RESUME_HINT}"
    for copy in found["copies"]:
        yield f"not done: {copy} has bytes of it; remove that copy, then {RESUME_HINT}"
    after = proof["found_after"]
    yield "searched afterwards: " + ", ".join(
        f"{place.replace('_', ' ')} {'not asked' if count is None else f'{count} found'}"
        for place, count in after.items()
    )
    yield "cannot be reached from here:"
    yield from (f"  {note}" for note in proof["cannot_reach"])
    if found["path"]:
        yield f"proof: {found['path']}; `semflow run` records the rest"
