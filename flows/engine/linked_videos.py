"""Videos outside data/raw: `videos.yaml` in the project's root, an optional mapping of name to path.

    interview: /mnt/films/interview.mov
    day1/cam2: ~/films/GX010001.MP4
    walk: ../films/walk.mp4
    cam1: s3://bucket/films/cam1.mp4

An entry may be an address (film_addresses.py), or several files, an image sequence or takes (film_parts.py). A path is
absolute, below the home folder, or relative to the project's root. Names are like paths below data/raw, with `/` for
folders. Keys are read as text, so that a name like `1.10` or `on` is not converted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.film_addresses import address_file, parse_address
from flows.engine.film_parts import FilmParts, parse_film_parts
from flows.engine.video_names import normalize_path
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import yaml

LINKS_FILE = "videos.yaml"


@dataclass(frozen=True)
class LinkedVideo:
    """One entry of videos.yaml."""

    relative: str
    """The name in Unicode form C, used like a path below data/raw."""
    path: Path
    """Absolute path; the file may not exist at present."""
    where: str
    """File and line, for messages."""
    parts: FilmParts | None = None
    """The files of a film that is several; its `path` is that of the folder or of the first take."""
    address: str = ""
    """The address of a film on a server; its `path` is that of the address file, which may not be written yet."""

    @property
    def place(self) -> str:
        """The address, or the absolute path."""
        return self.address or str(self.path)


def read_linked_videos(root: Path) -> tuple[LinkedVideo, ...]:
    """The entries of `root`'s videos.yaml in their order; none where there is no such file.

    Raises SemflowError with file and line for an invalid name or path, and for a name that occurs twice.
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
                f"{video.where}: names must differ, got {video.relative!r}, which occurs at "
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
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise SemflowError(f"{file} must be YAML, `name: path` in each line, got: {error}") from None
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        raise SemflowError(f"{file}:{line}: must be a mapping, `name: path` in each line, got {_kind(node)}")
    return node.value


def _kind(node: yaml.Node) -> str:
    """Name of a YAML node's type, for messages."""
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
    if value.tag.endswith(":map"):
        parts = parse_film_parts(_load(value), where, lambda given: _resolve_part(root, where, name, given))
        return LinkedVideo(name, parts.frames or parts.takes[0], where, parts)
    given = value.value
    if not isinstance(given, str) or not given.strip() or value.tag.endswith(":null") or "\0" in given:
        raise SemflowError(
            f"{where}: the path of {name!r} must be text, got {_kind(value)}; write `{name}: /path/to/the/file`"
        )
    if address := parse_address(given, where, name):
        return LinkedVideo(name, address_file(root, name), where, address=address)
    path = _resolve(root, where, name, given)
    if path.is_relative_to(root / "data/raw"):
        raise SemflowError(
            f"{where}: {name!r} must be a video outside data/raw, got {given!r}, which is listed anyway; remove this"
        )
    return LinkedVideo(name, path, where)


def _resolve_part(root: Path, where: str, name: str, given: str) -> Path:
    if parse_address(given, where, name):
        raise SemflowError(
            f"{where}: frames and takes of {name!r} must be files of this machine, got {given!r}; films at addresses "
            "are listed one by one"
        )
    return _resolve(root, where, name, given)


def _resolve(root: Path, where: str, name: str, given: str) -> Path:
    """The absolute path that an entry gives; SemflowError where there is no such home folder."""
    home = os.path.expanduser(given)  # noqa: PTH111 (pathlib raises without a home folder)
    if home.startswith("~") and home == given:
        raise SemflowError(f"{where}: the path of {name!r} must lie below a known home folder, got {given!r}")
    # Symbolic links are kept; `..` is resolved, so that paths can be compared.
    return Path(os.path.normpath(root / home))


def _load(node: yaml.Node) -> object:
    """The value of a node by YAML's own rules, so that a rate is a number."""
    import yaml

    return yaml.safe_load(yaml.serialize(node))
