"""`semflow gc`: delete unused objects from DVC's cache, and old temporary files of semflow itself.

Lists what it would delete; with --yes it deletes.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.text_formatting import format_size
from flows.engine.atomic_files import remove_path
from flows.engine.dvc_store.repository_lock import hold_repository
from flows.engine.item_jobs import CHECKPOINTS, checkpoint_folder
from flows.engine.plan import Plan
from flows.engine.project import STATE, Project
from flows.engine.project_lock import hold_project
from flows.engine.recipe import RECIPE_FOLDER
from flows.engine.storage import Storage
from flows.maintenance.remove import REMOVALS_FOLDER as REMOVALS
from flows.maintenance.remove import list_removals
from flows.maintenance.terminal_dialog import open_project, print_answer
from flows.maintenance.unused_objects import DAY_S, UnusedObjects, find_unused_objects
from tasks.errors import SemflowError

KEEP_DAYS = 30.0


@click.command(cls=ValuesCommand)
@click.option("--yes", is_flag=True, help="delete it; without this it is only listed")
@click.option(
    "--keep-days",
    type=float,
    default=KEEP_DAYS,
    show_default=True,
    metavar="N",
    help="keep what a run computed, and what `semflow remove` removed, in the last N days",
)
@click.option("--all-commits", is_flag=True, help="keep what any commit names, not only the tips of branches and tags")
@click.option("--remote", is_flag=True, help="delete also from the DVC remote, as far as this clone knows its objects")
@list_option(
    "--projects",
    type=click.Path(path_type=Path),
    allow_empty=True,
    metavar="FOLDER",
    help="other clones with the same cache or remote: what they need is kept too; needed where the cache is shared",
)
@JSON_OPTION
def command(
    *, yes: bool, keep_days: float, all_commits: bool, remote: bool, projects: tuple[Path, ...] | None, as_json: bool
) -> int:
    """List what no branch, tag or recent run needs in DVC's cache; `--yes` deletes it."""
    if keep_days < 0:
        raise SemflowError(f"--keep-days must be 0 or more, got {keep_days:g}")
    project = open_project(fetch=True)
    try:
        with hold_project(project):
            found = drop_unused_objects(
                project,
                keep_days,
                projects,
                drop=yes,
                remote=remote,
                all_commits=all_commits,
            )
    finally:
        project.close()
    print_answer(found, _lines(found), as_json=as_json)
    return 0


def drop_unused_objects(
    project: Project,
    keep_days: float = KEEP_DAYS,
    projects: Sequence[Path] | None = None,
    *,
    drop: bool = False,
    remote: bool = False,
    all_commits: bool = False,
) -> dict[str, Any]:
    """Unused objects and files by folder, as JSON values; deleted where `drop`. The caller holds the project's lock."""
    storage = Storage.open(project.root)
    if storage is None:
        raise SemflowError(f"{project.root} must be a DVC repository to have a cache, got none; run `dvc init`")
    _check_projects(project, storage, projects, drop=drop)
    with hold_repository(project.root):
        garbage = find_unused_objects(project, storage, keep_days, projects or (), all_commits=all_commits)
        in_remote = _in_remote(project, garbage) if remote else set[str]()
        if drop:
            if in_remote:
                _delete_in_remote(project, in_remote)
            for md5 in garbage.sizes:
                path = storage.objects.object_path(md5)
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # not empty
                    path.parent.rmdir()
    keys = _lost_keys(project, storage, garbage)
    methods = project.recipe_store.find_unused_methods()
    leftovers = [*_old_parts(project), *_old_removals(project, keep_days)]
    if drop:
        project.state.forget_keys(keys)
        project.recipe_store.remove_methods(methods)
        for path in leftovers:
            remove_path(path)
    return {
        "dropped": drop,
        "cache": _by_folder(project, garbage, garbage.sizes),
        "remote": _by_folder(project, garbage, in_remote) if remote else None,
        "ledger": len(keys),
        "methods": len(methods),
        "leftovers": [path.relative_to(project.root).as_posix() for path in leftovers],
        "kept_young": garbage.young,
        "kept_foreign": garbage.foreign,
    }


def _check_projects(project: Project, storage: Storage, projects: Sequence[Path] | None, *, drop: bool) -> None:
    """Raise SemflowError where the cache is outside the project, and so maybe shared with clones not in `projects`."""
    for other in projects or ():
        if not (other / ".dvc").is_dir():
            raise SemflowError(f"--projects must be DVC repositories, got {other}, which is not")
    inside = storage.objects.folder.resolve().is_relative_to(project.root.resolve())
    if drop and not inside and projects is None:
        raise SemflowError(
            f"the cache must be this project's own to be cleared out, got {storage.objects.folder}, which other clones "
            "may use; name them with `--projects FOLDER ...`, or give `--projects` alone where there is none"
        )


def _in_remote(project: Project, garbage: UnusedObjects) -> set[str]:
    from flows.engine.dvc_store.remote import Remote

    opened = Remote.open(project.root)
    if opened is None:
        raise SemflowError("--remote must have a DVC remote, got none; see `dvc remote add --default`")
    return opened.find_existing(garbage.objects)


def _delete_in_remote(project: Project, md5s: set[str]) -> None:
    from flows.engine.dvc_store.remote import Remote

    opened = Remote.open(project.root)
    if opened is not None:
        opened.delete_objects(md5s)


def _lost_keys(project: Project, storage: Storage, garbage: UnusedObjects) -> list[str]:
    """Keys of the ledger of which an object is missing or will be deleted."""
    lost: list[str] = []
    for row in project.state.read_ledger():
        md5s = {md5 for files in row.outputs.values() for md5, _ in files.values()}
        gone = any(md5 in garbage.objects or not storage.objects.has_object(md5) for md5 in md5s)
        if gone and not md5s <= garbage.needed:
            lost.append(row.key)
    return lost


def _old_parts(project: Project) -> list[Path]:
    """Checkpoints that no item can resume; [] while the key of a stale item is unknown because it waits for another."""
    folder = project.root / STATE / CHECKPOINTS
    if not folder.is_dir():
        return []
    stale = [state for state in Plan.examine_project(project).states.values() if state.status == "stale"]
    if any(not state.key for state in stale):
        return []
    wanted = {checkpoint_folder(project.root, state) for state in stale}
    return sorted(path for path in folder.iterdir() if path not in wanted)


def _old_removals(project: Project, keep_days: float) -> list[Path]:
    """Removed videos and orphaned files that were moved to the removals folder more than `keep_days` days ago."""
    folder, border = project.root / STATE / REMOVALS, time.time() - keep_days * DAY_S
    removals = dict(list_removals(project.root))
    old: list[Path] = [place for place, removal in removals.items() if removal.at <= border]
    for path in folder.rglob("*") if folder.is_dir() else ():
        orphaned = path.is_file() and not any(place in path.parents for place in removals)
        if orphaned and path.lstat().st_ctime <= border:  # the time of the move; the modification time is older
            old.append(path)
    return sorted(old)


def _by_folder(project: Project, garbage: UnusedObjects, md5s: Any) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter(garbage.objects[md5] for md5 in md5s)
    sizes: Counter[str] = Counter()
    for md5 in md5s:
        sizes[garbage.objects[md5]] += garbage.sizes.get(md5, 0)
    return [
        {"folder": folder, "stage": _stage(project, folder), "objects": counts[folder], "bytes": sizes[folder]}
        for folder in sorted(counts)
    ]


def _stage(project: Project, folder: str) -> str:
    if folder.startswith(f"{RECIPE_FOLDER}/"):
        return folder.removeprefix(f"{RECIPE_FOLDER}/")
    maker = project.producers.get(folder)
    return "" if maker is None else maker.name


def _lines(found: dict[str, Any]) -> Iterator[str]:
    word = "deleted" if found["dropped"] else "would delete"
    for place in ("cache", "remote"):
        rows = found[place]
        if rows is None:
            continue
        total = sum(row["bytes"] for row in rows)
        more = f" of {format_size(total)}" if total else ""
        yield f"{word} {sum(row['objects'] for row in rows):,} objects{more} from the {place}"
        for row in rows:
            made = f" ({row['stage']})" if row["stage"] else ""
            yield f"  {row['folder']}{made}: {row['objects']:,} objects, {format_size(row['bytes'])}"
    yield f"{word} {found['ledger']:,} entries of the ledger, {found['methods']:,} unused methods"
    yield from (f"{word} {path}" for path in found["leftovers"])
    if found["kept_young"]:
        yield f"{found['kept_young']:,} objects are kept because they are new (--keep-days)"
    if found["kept_foreign"]:
        yield f"{found['kept_foreign']:,} unreferenced objects are kept: semflow did not create them (see `dvc gc`)"
    if not found["dropped"]:
        yield "nothing was changed; `semflow gc --yes` deletes it"
