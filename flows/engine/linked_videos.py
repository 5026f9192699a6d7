"""Videos that stay where they lie: `videos.yaml` in the project's root, an optional mapping of name to path.

    interview: /mnt/films/interview.mov
    day1/cam2: ~/films/GX010001.MP4
    walk: ../films/walk.mp4

A path is absolute, below the home folder, or relative to the project's root. Names are what data/raw would call the
file: with `/` for folders. The entry is kept as text, so that a name like `1.10` or `on` is what was typed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.video_names import normalize_path
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import yaml

LINKS_FILE = "videos.yaml"


@dataclass(frozen=True)
class LinkedVideo:
    """One line of videos.yaml."""

    relative: str
    """Its name, in Unicode form C: what would be its path below data/raw."""
    path: Path
    """Absolute; there may be nothing now."""
    where: str
    """File and line, for messages."""


def read_linked_videos(root: Path) -> tuple[LinkedVideo, ...]:
    """The entries of `root`'s videos.yaml in their order, none where there is no such file.

    Raises SemflowError with file and line for what is no name, no path, or named twice.
    """
    file = root / LINKS_FILE
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SemflowError(f"{file} must be a readable text file (UTF-8), got: {error}") from None
    found: dict[str, LinkedVideo] = {}
    for key, value in _pairs(file, text):
        video = _video(root, f"{file}:{key.start_mark.line + 1}", key, value)
        if video.relative in found:
            raise SemflowError(
                f"{video.where}: names must differ, got {video.relative!r}, which stands at "
                f"{found[video.relative].where} too; rename or remove one"
            )
        found[video.relative] = video
    return tuple(found.values())


def _pairs(file: Path, text: str) -> list[tuple[yaml.Node, yaml.Node]]:
    import yaml

    try:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SemflowError(f"{file}{line}: must be YAML, `name: path` in each line, got: {error.problem}") from None
    except yaml.YAMLError as error:  # a character that no YAML may hold
        raise SemflowError(f"{file} must be YAML, `name: path` in each line, got: {error}") from None
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise SemflowError(f"{file}:{line}: must be a mapping, `name: path` in each line, got {_kind(node)}")
    return node.value


def _kind(node: yaml.Node) -> str:
    """What YAML calls it."""
    return "nothing" if node.tag.endswith(":null") else f"a {node.tag.rpartition(':')[2]}"


def _video(root: Path, where: str, key: yaml.Node, value: yaml.Node) -> LinkedVideo:
    if not isinstance(key.value, str):
        raise SemflowError(f"{where}: a video's name must be text, got {_kind(key)}; write `name: path` in each line")
    name = normalize_path(key.value)
    parts = name.split("/")
    if any(not part.strip() or part.startswith(".") for part in parts):
        raise SemflowError(
            f"{where}: a video's name must be like a path below data/raw (`day1/cam2`), no part of it empty or "
            f"beginning with a dot, got {name!r}"
        )
    given = value.value
    if not isinstance(given, str) or not given.strip() or value.tag.endswith(":null") or "\0" in given:
        raise SemflowError(
            f"{where}: the path of {name!r} must be text, got {_kind(value)}; write `{name}: /path/to/the/file`"
        )
    home = os.path.expanduser(given)  # noqa: PTH111 (pathlib raises without a home folder)
    if home.startswith("~") and home == given:
        raise SemflowError(f"{where}: the path of {name!r} must lie below a known home folder, got {given!r}")
    # A link on the way stays as it was written; `..` goes, so that the check below holds.
    path = Path(os.path.normpath(root / home))
    if path.is_relative_to(root / "data/raw"):
        raise SemflowError(
            f"{where}: {name!r} must be a video outside data/raw, got {given!r}, which is listed anyway; remove this"
        )
    return LinkedVideo(name, path, where)
