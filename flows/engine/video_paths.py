"""The paths of all files of one video: its raw file, artifacts, recipes, and user inputs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from flows.engine.linked_videos import LINKS_FILE, read_linked_videos
from flows.engine.project import RAW_FOLDER, Project
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX
from flows.engine.video_list import Video
from flows.engine.video_names import normalize_path
from tasks.errors import SemflowError

COMMAND_FOLDERS = ("field", "objects")
"""Folders that `semflow field` and `semflow track-object` write the results of a video to."""
VIDEO_SLOT = "{video}"


@dataclass(frozen=True)
class VideoPaths:
    """Paths relative to the project's root; the files may not exist."""

    artifacts: tuple[str, ...]
    recipes: tuple[str, ...]
    raw: tuple[str, ...]
    """The raw file, if it is on this machine; to be moved last, since the video is known while its file exists."""
    written: tuple[str, ...]
    """User inputs: labels, camera poses."""
    commands: tuple[str, ...]
    """Results of other commands (COMMAND_FOLDERS)."""


def list_video_paths(project: Project, video: Video) -> VideoPaths:
    """The paths of `video`."""
    per_video = [declaration for declaration in project.declarations if not declaration.over_dataset]
    artifacts = [_below(project, project.artifact_path(kind, video.name)) for d in per_video for kind in d.outputs]
    kinds = [kind for declaration in project.declarations for kind in declaration.inputs.values()]
    return VideoPaths(
        artifacts=tuple(dict.fromkeys(artifacts)),
        recipes=tuple(f"{RECIPE_FOLDER}/{declaration.name}/{video.stem}{RECIPE_SUFFIX}" for declaration in per_video),
        raw=() if video.file is None else (f"{RAW_FOLDER}/{video.relative}",),
        written=tuple(dict.fromkeys(k.user_path.format(video=video.name) for k in kinds if VIDEO_SLOT in k.user_path)),
        commands=tuple(
            dict.fromkeys(f"{folder}/{name}" for folder in COMMAND_FOLDERS for name in (video.name, video.stem))
        ),
    )


def require_project_file(project: Project, video: Video) -> None:
    """Raise SemflowError where the raw file is linked by videos.yaml or a symbolic link: after its removal it would
    be found again."""
    for linked in read_linked_videos(project.root):
        if normalize_path(linked.relative) == normalize_path(video.relative):
            raise SemflowError(
                f"{video.name} must not be named in {LINKS_FILE} to be taken out, got it at {linked.where}; remove "
                f"that line first (the film {linked.place} is yours and stays)"
            )
    if video.file is None:
        return
    raw = project.root / RAW_FOLDER
    folder = video.file.parent
    if os.path.realpath(folder) != os.path.join(os.path.realpath(raw), folder.relative_to(raw)).rstrip("/."):  # noqa: PTH118
        raise SemflowError(
            f"{video.file} must lie in the project itself to be taken out, got a link to {folder.resolve()}; take the "
            "file out of there yourself, then call this again"
        )


def _below(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()
