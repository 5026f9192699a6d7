"""Files and folders that people wrote and stages read, by the content hash that a recipe names: path and commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.engine.file_marks import scan_folder
from flows.reading.git_repository import Commit
from flows.versions.commits import History
from flows.versions.recorded_version import RecordedVersion
from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.artifact import UserInput
from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.corrections import Corrections
from tasks.artifacts.field_labels import FieldLabels
from tasks.content_hash import combine_hashes, md5_file

KINDS: tuple[type[UserInput], ...] = (Corrections, ActionLabels, CameraPoses)
"""The inputs that are one file each, whose content hash is the MD5 of the file."""


@dataclass(frozen=True)
class UserFile:
    """One file, or one folder of masks and points, as a stage read it."""

    path: str
    """Relative to the project."""
    content: str
    """The content hash that the recipe names."""
    text: bytes
    """Of a file; b"" of a folder."""
    commit: Commit | None
    """The first commit with these bytes; None where they are in none that is known here."""


def find_user_file(version: RecordedVersion, history: History, video: str, md5: str) -> UserFile | None:
    """What is here or in the history with this content hash: a file of `video` or of the data set, or the folder of the
    video's labels; None where there is none."""
    for kind in KINDS:
        path = kind.path(Path(), video).as_posix()
        versions = [(commit, text) for commit, text in history.list_texts(path) if hash_text(text) == md5]
        commit = versions[-1][0] if versions else None
        here = version.source.root / path
        text = here.read_bytes() if version.source.is_working_copy and here.is_file() else b""
        if hash_text(text) == md5:
            return UserFile(path, md5, text, commit)
        if versions:
            return UserFile(path, md5, versions[-1][1], commit)
    return _find_labels(version, history, video, md5)


def _find_labels(version: RecordedVersion, history: History, video: str, content: str) -> UserFile | None:
    path = FieldLabels.path(Path(), video).as_posix()
    commits = [commit for commit, files in history.list_folders(path) if combine_hashes(files) == content]
    if commits:
        return UserFile(path, content, b"", commits[-1])
    here = version.source.root / path
    is_here = version.source.is_working_copy and combine_hashes(_hash_folder(here)) == content
    return UserFile(path, content, b"", None) if is_here else None


def _hash_folder(folder: Path) -> Mapping[str, str]:
    """Name to MD5 of the files of a folder, as the engine lists those of a user input."""
    return {name: md5_file(folder / name) for name in scan_folder(folder)}


def hash_text(data: bytes) -> str:
    """MD5 of a file's bytes: the content hash of a file that people wrote."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
