"""`semflow pull`: fetch recorded artifacts or raw files of some videos from DVC's cache or remote.

It fetches what `dvc.lock` and `data/raw.dvc` record, whether up to date with the present code and parameters or not.
Existing files are not changed. Artifacts that are not fetched stay `remote` in `semflow plan`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.display import show_progress
from flows.cli.text_formatting import format_size
from flows.engine.atomic_files import make_partial_path, move_into_place
from flows.engine.declaration import ArtifactKind
from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer
from flows.engine.file_marks import read_mark, scan_folder
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.project_lock import hold_project
from flows.engine.storage import Storage
from flows.maintenance.terminal_dialog import open_project, print_answer, resolve_artifact_kinds, resolve_videos
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.errors import SemflowError
from tasks.progress import track_progress

MAX_LINES = 20


@dataclass(frozen=True)
class RecordedArtifact:
    """One artifact, or one raw file, as it is recorded."""

    base: Path
    files: dict[str, str]
    """Name below `base` ("" for a single file) to MD5."""
    folder: str
    """Artifact folder that contains it."""


@dataclass
class PullSummary:
    """The result of a pull."""

    brought: int = 0
    """Files put in place."""
    bytes: int = 0
    from_remote: int = 0
    """Bytes fetched from the remote."""
    here: int = 0
    """Files that existed before."""
    other: tuple[str, ...] = ()
    """Existing files that differ from the recorded ones; they are not changed."""
    missing: tuple[str, ...] = ()
    """Recorded files that neither the cache nor the remote has."""


@click.command(cls=ValuesCommand)
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@list_option("--artifacts", metavar="NAME", help="e.g. tracks poses reports; all by default, unless --raw is given")
@click.option("--raw", is_flag=True, help="the raw videos; with --artifacts these too")
@JSON_OPTION
def command(*, videos: tuple[str, ...], artifacts: tuple[str, ...] | None, raw: bool, as_json: bool) -> int:
    """Fetch recorded artifacts or raw videos from DVC's cache or remote; computes nothing.

    VIDEO limits it to some videos. The exit code is 1 where something is neither in the cache nor in the remote.
    """
    project = open_project(fetch=True)
    try:
        if not project.videos:
            raise SemflowError("the data set must have a video to pull, got none; " + "; ".join(project.notes))
        names = resolve_videos(project, videos) or None
        kinds = resolve_artifact_kinds(project, artifacts) if artifacts else ([] if raw else None)
        with hold_project(project), show_progress():
            pulled = pull_artifacts(project, names, kinds, raw=raw)
    finally:
        project.close()
    found = {**vars(pulled), "good": not pulled.missing}
    print_answer(found, _lines(pulled), as_json=as_json)
    return 0 if not pulled.missing else 1


def pull_artifacts(
    project: Project,
    videos: Sequence[str] | None = None,
    kinds: Sequence[ArtifactKind] | None = None,
    *,
    raw: bool = False,
) -> PullSummary:
    """Fetch the artifacts of `kinds` (all by default) of `videos` (by default all, and those of the dataset)."""
    for declaration in project.declarations:
        for kind in declaration.outputs:
            if kinds is not None and kind in kinds and not declaration.keeps_artifacts:
                raise SemflowError(
                    f"{kind.folder} must be kept to be pulled, got {declaration.name} in compute.recompute; take it "
                    "out of there, and `semflow run` computes it"
                )
    storage = Storage.open(project.root)
    if storage is None:
        raise SemflowError(f"{project.root} must be a DVC repository to pull from, got none; run `dvc init`")
    wanted = list(_recorded(project, storage, videos, kinds))
    if raw:
        wanted += _recorded_raw(project, storage, videos)
    pulled = PullSummary()
    due = [one for one in wanted if _is_due(project, one, pulled)]
    lacking = {md5 for one in due for md5 in one.files.values() if not storage.objects.has_object(md5)}
    came = storage.fetch_objects(lacking) if lacking and storage.has_remote else set[str]()
    pulled.from_remote = sum(storage.objects.object_path(md5).stat().st_size for md5 in came)
    with track_progress("pull", "artifacts", len(due)) as step:
        for one in due:
            _bring(project, storage, one, pulled)
            step("")
    project.state.flush()
    return pulled


def _recorded(
    project: Project, storage: Storage, videos: Sequence[str] | None, kinds: Sequence[ArtifactKind] | None
) -> Iterator[RecordedArtifact]:
    lock = read_lock(project.root)
    for declaration in project.declarations:
        record = lock.get(declaration.name)
        owners = project.list_owners(declaration)
        # Artifacts of the whole data set are fetched for all videos, or when their kind is named.
        chosen = [o for o in owners if videos is None or o in videos or (o == DATASET_ITEM and kinds is not None)]
        for kind in declaration.outputs:
            held = None if record is None else record.outs.get(kind.folder)
            if (kinds is None or kind in kinds) and isinstance(held, DirHash) and chosen:
                stems = {project.artifact_stem(owner, kind): project.artifact_path(kind, owner) for owner in chosen}
                yield from _artifacts(kind, _listing(storage, held.md5, kind.folder), stems)


def _artifacts(kind: ArtifactKind, listing: dict[str, str], stems: dict[str, Path]) -> Iterator[RecordedArtifact]:
    if not kind.is_folder:
        for stem, path in stems.items():
            if stem + kind.suffix in listing:
                yield RecordedArtifact(path, {"": listing[stem + kind.suffix]}, kind.folder)
        return
    groups: dict[str, dict[str, str]] = {}
    for name, md5 in listing.items():
        stem, slash, rest = name.partition("/")
        if slash and stem in stems:
            groups.setdefault(stem, {})[rest] = md5
    yield from (RecordedArtifact(stems[stem], files, kind.folder) for stem, files in groups.items())


def _recorded_raw(project: Project, storage: Storage, videos: Collection[str] | None) -> Iterator[RecordedArtifact]:
    held = read_pointer(project.root, RAW_FOLDER)
    listing = {} if held is None else _listing(storage, held.md5, RAW_FOLDER)
    for video in project.videos.values():
        if (videos is None or video.name in videos) and video.relative in listing:
            path = video.file or project.root / RAW_FOLDER / video.relative
            yield RecordedArtifact(path, {"": listing[video.relative]}, RAW_FOLDER)


def _listing(storage: Storage, md5: str, folder: str) -> dict[str, str]:
    found = storage.objects.read_listing(md5)
    if found is None and storage.has_remote and storage.fetch_objects([md5]):
        found = storage.objects.read_listing(md5)
    if found is None:
        more = "in its remote" if storage.has_remote else "is a remote configured (`dvc remote add --default`)"
        raise SemflowError(f"the recorded list of {folder} ({md5[:8]}) must be in DVC's cache, got none, nor {more}")
    return found


def _is_due(project: Project, wanted: RecordedArtifact, pulled: PullSummary) -> bool:
    """Whether the artifact is to be fetched; counts existing files, and adds differing ones to `pulled.other`."""
    folder = "" not in wanted.files
    there = scan_folder(wanted.base) if folder else {"": mark} if (mark := read_mark(wanted.base)) is not None else {}
    known = "" if wanted.folder == RAW_FOLDER else wanted.base.relative_to(project.root).as_posix()
    other: list[str] = []
    for name, mark in there.items():
        path = wanted.base / name if name else wanted.base
        md5 = project.state.find_md5(str(path) if not known else (f"{known}/{name}" if name else known), mark)
        if name not in wanted.files or (md5 or _md5(path)) != wanted.files[name]:
            other.append(path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path))
    pulled.here += len(there) - len(other)
    pulled.other += tuple(other)
    return not other and len(there) < len(wanted.files)


def _md5(path: Path) -> str:
    from tasks.content_hash import md5_file

    try:
        return md5_file(path)
    except OSError:
        return ""


def _bring(project: Project, storage: Storage, wanted: RecordedArtifact, pulled: PullSummary) -> None:
    """Restore one artifact atomically from the object store."""
    with make_partial_path(wanted.base, project.root / wanted.folder) as beside:
        for name, md5 in wanted.files.items():
            target = beside / name if name else beside
            if not storage.objects.restore_file(md5, target):
                path = wanted.base / name if name else wanted.base
                pulled.missing += (path.relative_to(project.root).as_posix(),)
                return
        move_into_place(beside, wanted.base)
    for name, md5 in wanted.files.items():
        path = wanted.base / name if name else wanted.base
        mark = read_mark(path)
        if mark is not None:
            pulled.brought += 1
            pulled.bytes += mark.size
            key = str(path) if wanted.folder == RAW_FOLDER else path.relative_to(project.root).as_posix()
            project.state.save_own_md5(key, mark, md5)


def _lines(pulled: PullSummary) -> Iterator[str]:
    remote = f", {format_size(pulled.from_remote)} of it from the remote" if pulled.from_remote else ""
    yield f"{pulled.brought:,} files brought ({format_size(pulled.bytes)}{remote}), {pulled.here:,} were here"
    for path in pulled.other[:MAX_LINES]:
        yield f"{path} is not as recorded and was left as it is; remove it to get the recorded one"
    for path in pulled.missing[:MAX_LINES]:
        yield f"{path} is neither in DVC's cache nor in its remote; ask who has it to push, or run `semflow run`"
    if (more := len(pulled.other) + len(pulled.missing) - 2 * MAX_LINES) > 0:
        yield f"and {more:,} more; --json names each"
