"""Films that are several files: images of an image sequence, or takes that follow each other.

Such a film stands in a list file (JSON, with the ending of `SUFFIX`) that is decoded in place of a video. It has the
size and time of change of every file, so it changes when one of them does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from tasks.errors import BadInput

SUFFIX = ".filmlist"
IMAGE_FORMATS = {"jpg": "mjpeg", "jpeg": "mjpeg", "png": "png_pipe", "bmp": "bmp_pipe", "webp": "webp_pipe"}
"""Ending of an image to FFmpeg's format that reads such images one after another."""


@dataclass(frozen=True)
class FilmList:
    """The files of one film, in order."""

    kind: Literal["frames", "takes"]
    """frames: each file is an image. takes: each is a video."""
    files: tuple[Path, ...]
    fps: float | None = None
    """Images per second; None for takes, which have their own times."""

    @property
    def image_format(self) -> str:
        """FFmpeg's format of the images; BadInput where they are of several kinds or of one that cannot be joined."""
        endings = sorted({file.suffix.lower().removeprefix(".") for file in self.files})
        formats = {IMAGE_FORMATS.get(ending, "") for ending in endings}
        if len(formats) != 1 or "" in formats:
            raise BadInput(
                f"images of a film must be of one kind of {', '.join(IMAGE_FORMATS)}, got {', '.join(endings)}; "
                "convert them, or name those that you mean by a pattern"
            )
        return formats.pop()

    def render(self) -> str:
        """The text of the list file; OSError where a file is missing."""
        stats = [(str(file), file.stat()) for file in self.files]
        files = [[name, at.st_size, at.st_mtime_ns] for name, at in stats]
        return json.dumps({"kind": self.kind, "fps": self.fps, "files": files}, indent=0) + "\n"


def read_film_list(file: Path) -> FilmList:
    """The list that `file` holds; BadInput where it holds none."""
    try:
        values = cast("dict[str, Any]", json.loads(file.read_text(encoding="utf-8")))
        files = tuple(Path(name) for name, _, _ in values["files"])
        return FilmList(values["kind"], files, values["fps"])
    except (ValueError, KeyError, TypeError):
        raise BadInput(
            f"{file.name} must be a list of files as videos.yaml makes it, got something else; remove it, and run again"
        ) from None


def list_takes(file: Path) -> tuple[Path, ...]:
    """The files that are decoded one after another in place of `file`: its takes, or `file` alone."""
    if file.suffix != SUFFIX:
        return (file,)
    film = read_film_list(file)
    return film.files if film.kind == "takes" else (file,)
