"""The user's labels of a video: masks of a few frames, or points. They may be absent.

    data/labels/<video>/000120.png      a mask of frame 120: grey or palette, the value is the class, 255 is unlabelled
    data/labels/<video>/points.csv      frame,x,y,label: points in working-size pixels; label is a class number
    data/labels/<video>/names.txt       a name per line: line 1 is class 0 (background), line 2 class 1, ...

Masks may have any size with the frame's proportions. `names.txt` may be left out.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import UserInput
from tasks.errors import BadInput
from tasks.text import read_text

UNLABELLED = 255
"""The value of an unlabelled pixel."""
COLUMNS = ["frame", "x", "y", "label"]
POINTS_FILE, NAMES_FILE = "points.csv", "names.txt"
MAX_FRAME = 2**31 - 1
MAX_SHOWN = 200  # characters of what came
HALF_PIXEL = 0.5  # pixels from the centre of a pixel to its border; centres lie at integers


@dataclass(frozen=True, eq=False)
class FieldLabels(UserInput):
    """A folder of masks and points; masks are read on access."""

    FOLDER: ClassVar[str] = "data/labels"
    SUFFIX: ClassVar[str] = ""

    masks: Mapping[int, Path]
    """Frame to the file of its mask."""
    points: NDArray[np.float64]
    """(n, 4) frame, x, y, label."""
    names: tuple[str, ...] = ()
    """Names by class number; may be shorter than the number of classes."""
    lines: tuple[int, ...] = ()
    """Line of each point in its file, from 1."""

    @classmethod
    def absent(cls) -> Self:
        """The value for a missing folder."""
        return cls({}, np.empty((0, len(COLUMNS))))

    @classmethod
    def load(cls, path: Path) -> Self:
        """The folder at `path`, masks unread; BadInput with file and line where it is invalid."""
        if not path.is_dir():
            raise BadInput(
                f"{_display_path(path)} must be a folder with masks, {POINTS_FILE} or {NAMES_FILE}, got a file; "
                "move or remove it"
            )
        points, lines = _read_points(path / POINTS_FILE)
        return cls(_find_masks(path), points, _read_names(path / NAMES_FILE), lines)

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """Frames with a mask or a point, in order."""
        return tuple(sorted({*self.masks, *self.points[:, 0].astype(int).tolist()}))

    def mask(self, frame: int) -> NDArray[np.uint8] | None:
        """(h, w) class of each pixel at the size of the file, UNLABELLED elsewhere; None without a mask."""
        if frame not in self.masks:
            return None
        from PIL import Image  # reads palette indices, which OpenCV converts to colours

        path = self.masks[frame]
        try:
            with Image.open(path) as image:
                values: NDArray[Any] = np.asarray(image)
        except MemoryError:
            raise
        except Exception as error:  # Pillow has no common class for damaged files
            raise BadInput(
                f"{_display_path(path)} must be a PNG, got something that cannot be read as one: {error}"
            ) from None
        if values.ndim != 2 or values.dtype.name not in {"uint8", "bool"}:  # noqa: PLR2004  one channel
            raise BadInput(
                f"{_display_path(path)} must be grey or have a palette, 8 bits, one class per value, got "
                f"{values.dtype} of {values.shape}; save it without colour"
            )
        return values.astype(np.uint8)

    def points_of(self, frame: int) -> NDArray[np.float64]:
        """(n, 3) x, y and label of the points of a frame."""
        return self.points[self.points[:, 0] == frame, 1:]

    def check_frames(self, frame_count: int, height: int, width: int) -> None:
        """BadInput with file and line where a mask or a point lies outside of these frames."""
        for frame, path in self.masks.items():
            if frame >= frame_count:
                raise BadInput(f"{_display_path(path)} must be of frames 0 to {frame_count - 1}, got {frame}")
        for line, (frame, x, y, _) in zip(self.lines, self.points.tolist(), strict=True):
            if frame >= frame_count:
                raise BadInput(f"{POINTS_FILE}:{line}: frame must be from 0 to {frame_count - 1}, got {frame:g}")
            for name, value, size in (("x", x, width), ("y", y, height)):
                if not -HALF_PIXEL <= value <= size - HALF_PIXEL:
                    raise BadInput(
                        f"{POINTS_FILE}:{line}: {name} must lie in the frame, from 0 to {size - 1} ({width}x{height}), "
                        f"got {value:g}; points are in pixels of data/frames"
                    )


def _display_path(path: Path) -> str:
    """Folder and file name for error messages: recorded errors are the same on every machine."""
    return f"{path.parent.name}/{path.name}"


def _find_masks(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() != ".png" or file.name.startswith("."):
            continue
        if not (file.stem.isascii() and file.stem.isdigit() and len(file.stem) < 10):  # noqa: PLR2004  digits of a frame number
            raise BadInput(f"{_display_path(file)} must be named after its frame, like 000120.png, got {file.stem!r}")
        frame = int(file.stem)
        if frame in found:
            raise BadInput(
                f"{_display_path(file)} must be the one mask of frame {frame}, got {found[frame].name} too; remove one"
            )
        found[frame] = file
    return found


def _read_names(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    return tuple(read_text(path, _display_path(path)).splitlines())


def _read_points(path: Path) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """(n, 4) points, and the line of each."""
    if not path.exists():
        return np.empty((0, len(COLUMNS))), ()
    file = _display_path(path)
    rows = csv.DictReader(io.StringIO(read_text(path, file), newline=""))
    found: list[list[float]] = []
    lines: list[int] = []
    try:
        _check_header(file, rows.fieldnames)
        for row in rows:
            found.append(_parse_point(f"{file}:{rows.line_num}", row))
            lines.append(rows.line_num)
    except csv.Error as error:
        raise BadInput(f"{file}:{rows.line_num}: must be a table, got an error: {error}") from None
    return np.array(found, np.float64).reshape(-1, len(COLUMNS)), tuple(lines)


def _check_header(file: str, names: Sequence[str] | None) -> None:
    found = list(names or [])
    twice = [name for name in COLUMNS if found.count(name) > 1]
    if twice or not set(COLUMNS) <= set(found):
        hint = "; separate them by commas" if len(found) == 1 and any(mark in found[0] for mark in ";\t") else ""
        raise BadInput(
            f"{file}:1: must have the columns {','.join(COLUMNS)}, each once, got {found or 'nothing'}{hint}"
        )


def _parse_point(where: str, row: Mapping[str, Any]) -> list[float]:
    """Frame, x, y and label of one row, checked as far as possible without the frames."""
    try:
        frame, x, y, label = (float(row[name]) for name in COLUMNS)
    except (TypeError, ValueError):
        raise BadInput(f"{where}: {','.join(COLUMNS)} must be numbers, got {_format_row(row)}") from None
    if not (frame.is_integer() and 0 <= frame <= MAX_FRAME):
        raise BadInput(f"{where}: frame must be a whole number from 0 on, got {row['frame']!r}")
    if not (label.is_integer() and 0 <= label < UNLABELLED):
        raise BadInput(f"{where}: label must be a whole number from 0 to {UNLABELLED - 1}, got {row['label']!r}")
    for name, value in (("x", x), ("y", y)):
        if not -HALF_PIXEL <= value < math.inf:
            raise BadInput(f"{where}: {name} must lie in the frame, from 0 on, got {row[name]!r}")
    return [frame, x, y, label]


def _format_row(row: Mapping[str, Any]) -> str:
    return repr({name: row.get(name) for name in COLUMNS})[:MAX_SHOWN]
