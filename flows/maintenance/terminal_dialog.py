"""Shared by these commands: open the project, resolve typed names, ask for confirmation, print the result."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cli.text_formatting import escape_controls
from flows.engine.video_names import resolve_video_name
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.declaration import ArtifactKind
    from flows.engine.project import Project


def open_project(*, fetch: bool = False, asks: bool = False) -> Project:
    """The project that contains the current folder; with `asks`, servers of films are asked whether they changed."""
    from flows.engine.film_addresses import MAX_ANSWER_AGE_S
    from flows.engine.project import Project, find_root

    return Project.open(find_root(Path.cwd()), fetch=fetch, max_answer_age_s=0 if asks else MAX_ANSWER_AGE_S)


def resolve_videos(project: Project, typed: Sequence[str]) -> list[str]:
    """The names of the typed videos without duplicates; SemflowError for one that does not exist."""
    names = {video.relative: video.name for video in project.videos.values()}
    return list(dict.fromkeys(resolve_video_name(names, word) for word in typed))


def resolve_artifact_kinds(project: Project, typed: Sequence[str]) -> list[ArtifactKind]:
    """The artifact kinds of the typed names, `tracks` or `data/tracks`; SemflowError for one that does not exist."""
    kinds = [kind for declaration in project.declarations for kind in declaration.outputs]
    by_name = {kind.folder.rpartition("/")[2]: kind for kind in kinds} | {kind.folder: kind for kind in kinds}
    for word in typed:
        if word.rstrip("/") not in by_name:
            known = ", ".join(kind.folder.rpartition("/")[2] for kind in kinds)
            raise SemflowError(f"--artifacts must be among {known}, got {word!r}")
    return list(dict.fromkeys(by_name[word.rstrip("/")] for word in typed))


def ask_confirmation(question: str, *, yes: bool, needed: bool) -> None:
    """Ask in the terminal; SemflowError where the answer is no, and without a terminal where an answer is `needed`."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        if needed:
            raise SemflowError(f"{question} must be answered on a terminal, got none; add --yes")
        return
    sys.stderr.write(f"{escape_controls(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise SemflowError("the question must be answered with y to go on, got no; nothing was changed")


def print_answer(value: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print `value` as JSON with `as_json`, else the lines."""
    if as_json:
        sys.stdout.write(json.dumps(value, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{escape_controls(line)}\n" for line in lines)
