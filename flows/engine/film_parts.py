"""Films of several files in videos.yaml: an image sequence, or takes that follow each other.

    lapse: {frames: /mnt/lapse, fps: 12}                    # all images of a folder, by their names
    lapse_2: {frames: /mnt/lapse/IMG_%06d.jpg, fps: 29.97}  # by number; also /mnt/lapse/*.png
    lesson: {takes: [/mnt/a.mp4, /mnt/b.mp4]}               # joined in this order

A film of this kind becomes a list file below `.semflow`, which is decoded in place of a video and changes when one of
its files does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.engine.state import STATE_FOLDER
from tasks.atomic_file import write_text_atomically
from tasks.decode.film_list import IMAGE_FORMATS, SUFFIX, FilmList
from tasks.errors import BadInput, SemflowError

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = "films"
"""Folder of list files below the state folder."""
NUMBERED = re.compile(r"%0?(\d*)d")
USAGE = "write `{frames: FOLDER, fps: 25}` or `{takes: [FILE, FILE]}`"


@dataclass(frozen=True)
class FilmParts:
    """The files of a film as videos.yaml names them."""

    frames: Path | None = None
    """A folder of images, or a pattern: `%06d` for a number, `*` and `?` as in a shell."""
    fps: float | None = None
    takes: tuple[Path, ...] = ()

    def find_files(self) -> tuple[Path, ...]:
        """The files in order; OSError where the folder is missing."""
        if self.frames is None:
            return self.takes
        if self.frames.is_dir():
            found = [p for p in self.frames.iterdir() if p.suffix.lower().removeprefix(".") in IMAGE_FORMATS]
            return tuple(sorted((p for p in found if not p.name.startswith(".")), key=_natural_order))
        number = NUMBERED.search(self.frames.name)
        if number is None:
            return tuple(sorted(self.frames.parent.glob(self.frames.name), key=_natural_order))
        before, after = self.frames.name[: number.start()], self.frames.name[number.end() :]
        width = int(number[1] or 0)
        wanted = re.compile(re.escape(before) + rf"(\d{{{max(width, 1)},}})" + re.escape(after))
        numbers = {p: int(match[1]) for p in self.frames.parent.iterdir() if (match := wanted.fullmatch(p.name))}
        return tuple(sorted(numbers, key=lambda path: numbers[path]))


def parse_film_parts(values: Any, where: str, resolve: Callable[[str], Path]) -> FilmParts:
    """The parts that one entry of videos.yaml gives; SemflowError, beginning with `where`, for what is no film.

    `resolve` makes a path absolute.
    """
    keys: set[str] = set(values)
    if keys == {"frames", "fps"}:
        frames, fps = values["frames"], values["fps"]
        if not isinstance(frames, str) or not frames.strip():
            raise SemflowError(f"{where}: frames must be a folder or a pattern, got {frames!r}; {USAGE}")
        if isinstance(fps, bool) or not isinstance(fps, (int, float)) or not fps > 0:
            raise SemflowError(f"{where}: fps must be images per second, above 0, got {fps!r}; {USAGE}")
        return FilmParts(frames=resolve(frames), fps=float(fps))
    if keys == {"takes"}:
        takes = values["takes"]
        if (
            not isinstance(takes, list)
            or not takes
            or not all(isinstance(take, str) and take.strip() for take in takes)
        ):
            raise SemflowError(f"{where}: takes must be a list of files, got {takes!r}; {USAGE}")
        return FilmParts(takes=tuple(resolve(take) for take in takes))
    missing = " without fps" if keys == {"frames"} else ""
    raise SemflowError(
        f"{where}: a film of several files must have frames and fps, or takes, got "
        f"{', '.join(sorted(map(str, keys))) or 'nothing'}{missing}; {USAGE}"
    )


def write_film_list(root: Path, name: str, parts: FilmParts) -> Path:
    """The list file of the film `name`, written where it is new or has changed.

    Raises OSError where one of its files is missing, and SemflowError where there are no images or of several kinds.
    """
    files = parts.find_files()
    if not files:
        raise SemflowError(
            f"must have at least one image ({', '.join(IMAGE_FORMATS)}), got none at {parts.frames}; "
            "mend its line in videos.yaml"
        )
    film = FilmList("takes" if parts.takes else "frames", files, parts.fps)
    if not parts.takes:
        try:
            _ = film.image_format
        except BadInput as error:
            raise SemflowError(str(error)) from None
    text = film.render()
    file = root / STATE_FOLDER / FOLDER / f"{name.replace('/', '__')}{SUFFIX}"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(file, text)
    return file


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """A key under which IMG_2 comes before IMG_10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
