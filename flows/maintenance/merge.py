"""`semflow merge`: git's merge driver for `dvc.lock`, `*.dvc` and metrics, so that branches which add videos merge.

Metrics are made of the merged recipes (merged_metrics.py). In a rebase and a cherry-pick ours stay until the next run.
"""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import click

from flows.cli.command_options import ValuesCommand
from flows.engine.dvc_store.git_commands import run_git
from flows.engine.dvc_store.lock_union import UnionMerge
from flows.engine.dvc_store.verified_copy import write_bytes_atomically
from flows.engine.metrics_file import METRICS_FOLDER
from flows.engine.project import find_root
from flows.engine.storage import Storage
from flows.maintenance.merged_metrics import LockTexts, MetricsMerge, find_lock_texts
from tasks.errors import SemflowError

DRIVER = "semflow"
ATTRIBUTES = (f"dvc.lock merge={DRIVER}", f"*.dvc merge={DRIVER}", f"{METRICS_FOLDER}/*.json merge={DRIVER}")
POINTER_SUFFIX = ".dvc"


@click.command(cls=ValuesCommand)
@click.argument("files", nargs=-1, metavar="[BASE OURS THEIRS PATH]")
@click.option("--install", is_flag=True, help="let git use this command in this clone: for dvc.lock, *.dvc and metrics")
def command(files: tuple[str, ...], install: bool) -> int:
    """Merge the recorded data of two branches file by file; git calls it once `--install` was given.

    BASE, OURS and THEIRS are the three versions of the file PATH; the result replaces OURS.
    """
    if install:
        root = find_root(Path.cwd())
        install_driver(root)
        click.echo("git merges dvc.lock and *.dvc file by file in this clone, and makes metrics of the merged recipes")
        return 0
    if len(files) != 4:  # noqa: PLR2004  git gives the driver these four
        raise SemflowError(f"semflow merge must get BASE OURS THEIRS PATH from git, got {len(files)} values")
    base, ours, theirs = (Path(file) for file in files[:3])
    root = find_root(Path(files[3]).absolute().parent)  # git calls from its top folder, the project may lie below
    path = Path(files[3]).absolute().relative_to(root).as_posix()
    write_bytes_atomically(ours, merge_versions(root, base, ours, theirs, path).encode())
    return 0


def install_driver(root: Path) -> bool:
    """Set the driver in the clone's git configuration and name the files in .gitattributes; whether anything changed.

    Raises SemflowError where `root` is in no git repository.
    """
    # The interpreter by its path: git may be called where the environment is not active.
    name, driver = "semflow: file by file", f'"{sys.executable}" -m semflow merge %O %A %B %P'
    if read_driver(root) != driver:
        for key, value in ((f"merge.{DRIVER}.name", name), (f"merge.{DRIVER}.driver", driver)):
            done = run_git(root, ["config", key, value])
            if done is None or done.returncode:
                raise SemflowError(f"{root} must be in a git repository for a merge driver, got none; run `git init`")
    path = root / ".gitattributes"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    missing = [line for line in ATTRIBUTES if line not in lines]
    if missing:
        write_bytes_atomically(path, ("\n".join([*lines, *missing]) + "\n").encode())
    return bool(missing)


def read_driver(root: Path) -> str:
    """The driver that git uses in this clone; "" for none."""
    done = run_git(root, ["config", f"merge.{DRIVER}.driver"])
    return "" if done is None or done.returncode else done.stdout.decode().strip()


def merge_versions(root: Path, base: Path, ours: Path, theirs: Path, path: str) -> str:
    """The merged text of the file `path`; the new listings are in DVC's cache then.

    Raises SemflowError where listings cannot be had, or where it is no file that DVC records folders in.
    """
    storage = Storage.open(root)
    if storage is None:
        raise SemflowError(f"{root} must be a DVC repository, got none; run `dvc init`")

    def load(md5: str) -> dict[str, str] | None:
        found = storage.objects.read_listing(md5)
        if found is None and storage.has_remote and storage.fetch_objects([md5]):
            found = storage.objects.read_listing(md5)
        return found

    union = UnionMerge(load)
    metrics, texts = MetricsMerge(storage, union), find_lock_texts(root)
    if path.startswith(f"{METRICS_FOLDER}/"):
        made = None if texts is None else metrics.merge_file(texts, PurePosixPath(path).stem)
        return ours.read_text(encoding="utf-8") if made is None else made
    before, mine, other = (file.read_text(encoding="utf-8") if file.is_file() else "" for file in (base, ours, theirs))
    if path.endswith(POINTER_SUFFIX):
        merged = union.merge_pointers(before, mine, other, path.removesuffix(POINTER_SUFFIX))
    else:
        merged = union.merge_locks(before, mine, other)
        if texts is not None:
            merged = metrics.update_lock(LockTexts(before, mine, other), merged)
    for listing in union.listings.values():
        storage.objects.write_listing(listing)
    return merged
