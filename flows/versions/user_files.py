"""Files that people wrote and stages read, by the content hash that a recipe names: path, bytes and the commit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flows.reading.git_repository import Commit
from flows.versions.commits import History
from flows.versions.recorded_version import RecordedVersion
from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.artifact import UserInput
from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.corrections import Corrections

KINDS: tuple[type[UserInput], ...] = (Corrections, ActionLabels, CameraPoses)
"""The inputs that are one file each, whose content hash is the MD5 of the file."""


@dataclass(frozen=True)
class UserFile:
    """One file as a stage read it."""

    path: str
    """Relative to the project."""
    text: bytes
    commit: Commit | None
    """The first commit with these bytes; None where they are in none that is known here."""


def find_user_file(version: RecordedVersion, history: History, video: str, md5: str) -> UserFile | None:
    """The file of `video` or of the data set with these bytes, here or in the history; None where there is none."""
    for kind in KINDS:
        path = kind.path(Path(), video).as_posix()
        versions = [(commit, text) for commit, text in history.list_texts(path) if hash_text(text) == md5]
        commit = versions[-1][0] if versions else None
        here = version.source.root / path
        text = here.read_bytes() if version.source.is_working_copy and here.is_file() else b""
        if hash_text(text) == md5:
            return UserFile(path, text, commit)
        if versions:
            return UserFile(path, versions[-1][1], commit)
    return None


def hash_text(data: bytes) -> str:
    """MD5 of a file's bytes: the content hash of a file that people wrote."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
