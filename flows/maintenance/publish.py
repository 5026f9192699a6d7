"""`semflow publish`: push the recorded version, commit it, and push the commit, so that readers see all of it or none.

Objects go first, listings after the files that they name, the commit last: whoever checks out a published commit finds
every byte of it in the remote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.dvc_store.dvc_lock import DirHash, read_lock
from flows.engine.dvc_store.dvc_pointer import read_pointer
from flows.engine.dvc_store.git_commands import run_git
from flows.engine.dvc_store.remote import Remote
from flows.engine.linked_videos import LINKS_FILE
from flows.engine.metrics_file import METRICS_FOLDER, name_metrics_file
from flows.engine.project import PARAMS_FILE, RAW_FOLDER, Project
from flows.engine.project_lock import hold_project
from flows.maintenance.merge import install_driver
from flows.maintenance.terminal_dialog import open_project, print_answer
from tasks.errors import SemflowError

TRIES = 5
"""How often others' commits are merged in before their pushes must have ended."""
COMMITTED = (LOCK_FILE, f"{RAW_FOLDER}.dvc", LINKS_FILE, PARAMS_FILE, "dvc.yaml", ".gitattributes", ".gitignore")


@dataclass(frozen=True)
class Publication:
    """The result."""

    commit: str
    is_new: bool
    """Whether there was something to commit."""
    objects: int
    """Objects that were pushed."""
    tag: str
    pushed: bool
    """Whether the commit was pushed to the default git remote."""
    merged: int
    """How often others had published in between."""


@click.command(cls=ValuesCommand)
@click.option("--message", "-m", default="Record features", show_default=True, help="message of the commit")
@click.option("--tag", default="", metavar="NAME", help="name this version, such as v1.2")
@JSON_OPTION
def command(message: str, tag: str, as_json: bool) -> int:
    """Push the recorded version to the DVC remote, commit it, and push the commit where there is a git remote.

    Others who published in between are merged in, video by video.
    """
    project = open_project()
    try:
        done = publish(project, message, tag)
    finally:
        project.close()
    print_answer(asdict(done), _lines(done), as_json=as_json)
    return 0


def publish(project: Project, message: str, tag: str = "") -> Publication:
    """Publish what is recorded; raises SemflowError where a recorded byte is nowhere, or git refuses.

    Holds the project's lock, so that no run changes the record meanwhile.
    """
    root = project.root
    remote = Remote.open(root)
    if remote is None:
        raise SemflowError(
            f"{root} must have a default DVC remote to publish to, got none; run `dvc remote add --default NAME URL`"
        )
    if tag and _git(root, ["rev-parse", "-q", "--verify", f"refs/tags/{tag}"], may_fail=True):
        raise SemflowError(f"--tag must be a new name, got {tag!r}, which exists; choose another")
    with hold_project(project):
        install_driver(root)
        count = push_version(project, remote)
        metrics = (name_metrics_file(declaration) for declaration in project.declarations)
        files = [name for name in (*COMMITTED, *metrics, *_ignore_files(root)) if (root / name).is_file()]
        _git(root, ["add", "--", *files])
        is_new = bool(_git(root, ["diff", "--cached", "--name-only"]))
        if is_new:
            _git(root, ["commit", "-q", "-m", message])
        merged = 0
        pushed = bool(_git(root, ["remote"]))
        while pushed and not _push_commit(root):
            merged += 1
            if merged > TRIES:
                raise SemflowError(f"git must accept the commit, got {TRIES} commits of others in between; try again")
            _git(root, ["pull", "-q", "--no-rebase", "--no-edit"])
            count += push_version(project, remote)
        if tag:
            _git(root, ["tag", "-a", tag, "-m", message])
            if pushed:
                _git(root, ["push", "-q", "origin", tag])
        return Publication(_git(root, ["rev-parse", "HEAD"]), is_new, count, tag, pushed, merged)


def push_version(project: Project, remote: Remote) -> int:
    """Push every object of the recorded version that the remote lacks; gives their number.

    Raises SemflowError, before any listing is pushed, where a file is neither here nor there.
    """
    files, listings = list_version(project, remote)
    sent = remote.push_objects(files)
    lacking = files - sent - remote.find_existing(files - sent)
    if lacking:
        raise SemflowError(
            f"every recorded file must be here or in the remote {remote.name!r}, got {len(lacking)} that are not, such "
            f"as {min(lacking)}; run `semflow run`, or `dvc push` on the machine that has them"
        )
    return len(sent) + len(remote.push_objects(listings))


def list_version(project: Project, remote: Remote) -> tuple[set[str], set[str]]:
    """MD5 of all files and of all listings that the recorded version consists of.

    Raw videos are part of it unless `compute.store_raw` is false.
    """
    outs = [out for record in read_lock(project.root).values() for out in record.outs.items()]
    folders = [held for path, held in outs if not path.startswith(f"{METRICS_FOLDER}/")]  # git keeps metrics
    raw = read_pointer(project.root, RAW_FOLDER)
    if raw is not None and project.compute.get("store_raw", True):
        folders.append(raw)
    listings = {held.md5 for held in folders if isinstance(held, DirHash)}
    files = {held.md5 for held in folders if not isinstance(held, DirHash)}
    if raw is not None:
        listings.add(raw.md5)
    remote.fetch_objects(md5 for md5 in listings if not remote.store.has_object(md5))
    for md5 in listings:
        listing = remote.store.read_listing(md5)
        if listing is None:
            raise SemflowError(f"the list {md5} must be in DVC's cache, got none; run `semflow run`, which writes it")
        if raw is None or md5 != raw.md5 or project.compute.get("store_raw", True):
            files |= set(listing.values())
    return files, listings


def _push_commit(root: Path) -> bool:
    """Push the branch; False where others have pushed in between."""
    branch = _git(root, ["symbolic-ref", "--short", "HEAD"])
    done = run_git(root, ["push", "-q", "-u", "origin", branch])
    if done is not None and not done.returncode:
        return True
    text = "" if done is None else done.stderr.decode(errors="replace")
    if "non-fast-forward" in text or "fetch first" in text:
        return False
    # The last line says only that some refs failed; the one before, in a table, says why.
    reasons = [line.strip() for line in text.splitlines() if "rejected]" in line] or [_last_line(text)]
    raise SemflowError(
        f"git must push {branch} to origin, got: {reasons[0]}; the version is committed here and its bytes are in the "
        "DVC remote: mend that, then publish again"
    )


def _ignore_files(root: Path) -> Iterator[str]:
    yield from (path.relative_to(root).as_posix() for path in sorted((root / "data").glob(".gitignore")))


def _git(root: Path, command: Sequence[str], *, may_fail: bool = False) -> str:
    done = run_git(root, command)
    if done is not None and not done.returncode:
        return done.stdout.decode(errors="replace").strip()
    if may_fail:
        return ""
    text = "" if done is None else done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")
    raise SemflowError(f"`git {' '.join(command[:2])}` must succeed, got: {_last_line(text)}")


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no answer"


def _lines(done: Publication) -> Iterator[str]:
    yield f"{done.objects:,} objects pushed"
    state = "a new commit" if done.is_new else "nothing to commit"
    yield f"{state}: {done.commit[:12]}{f', tagged {done.tag}' if done.tag else ''}"
    if done.merged:
        yield f"{done.merged} versions of others were merged in; run `semflow run` to bring all up to date"
    if not done.pushed:
        yield "no git remote is configured, so the commit is in this clone alone"
