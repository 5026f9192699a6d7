"""A person's own labels for a video: masks of a few frames, or points. They may be absent.

    data/labels/<video>/000120.png      a mask of frame 120: grey or palette, the value is the class, 255 is unknown
    data/labels/<video>/points.csv      frame,x,y,label: points in working-size pixels; label is a class number
    data/labels/<video>/names.txt       a name per line: line 1 is class 0 (what is nothing else), line 2 class 1, ...

Masks may have any size with the frame's proportions. `names.txt` may be left out.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import Source
from tasks.errors import BadInput

UNKNOWN = 255
"""The value of a pixel of which nothing is said."""
COLUMNS = ["frame", "x", "y", "label"]


@dataclass(frozen=True, eq=False)
class FieldLabels(Source):
    """A folder of masks and points; masks are read when asked for."""

    FOLDER: ClassVar[str] = "data/labels"
    SUFFIX: ClassVar[str] = ""

    masks: Mapping[int, Path]
    """Frame to the file of its mask."""
    points: NDArray[np.float64]
    """(n, 4) frame, x, y, label."""
    names: tuple[str, ...] = ()
    """By class number, as far as they were given."""

    @classmethod
    def absent(cls) -> Self:
        """What stands for a folder that is not there."""
        return cls({}, np.empty((0, len(COLUMNS))))

    @classmethod
    def load(cls, path: Path) -> Self:
        masks: dict[int, Path] = {}
        for file in sorted(path.glob("*.png")):
            if not file.stem.isdigit():
                raise BadInput(f"{file} must be named after its frame, like 000120.png, got {file.stem!r}")
            masks[int(file.stem)] = file
        points, names = path / "points.csv", path / "names.txt"
        return cls(
            masks,
            _points(points) if points.is_file() else np.empty((0, len(COLUMNS))),
            tuple(names.read_text(encoding="utf-8").splitlines()) if names.is_file() else (),
        )

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """Those of which anything is said, in order."""
        return tuple(sorted({*self.masks, *self.points[:, 0].astype(int).tolist()}))

    def mask(self, frame: int) -> NDArray[np.uint8] | None:
        """(h, w) class of each pixel at the size of the file, UNKNOWN where nothing is said; None without a file."""
        if frame not in self.masks:
            return None
        from PIL import Image  # reads the values of a palette, which OpenCV turns into colours

        path = self.masks[frame]
        try:
            with Image.open(path) as image:
                values: NDArray[Any] = np.asarray(image)
        except OSError as error:
            raise BadInput(f"{path} must be a PNG, got something that cannot be read as one: {error}") from None
        if values.ndim != 2 or values.dtype.name not in {"uint8", "bool"}:
            raise BadInput(
                f"{path} must be grey or have a palette, 8 bits, one class per value, got {values.dtype} of "
                f"{values.shape}; save it without colour"
            )
        return values.astype(np.uint8)

    def points_of(self, frame: int) -> NDArray[np.float64]:
        """(n, 3) x, y and label of the points of a frame."""
        return self.points[self.points[:, 0] == frame, 1:]


def _points(path: Path) -> NDArray[np.float64]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames is None or not set(COLUMNS) <= set(rows.fieldnames):
            raise BadInput(f"{path} must have the columns {','.join(COLUMNS)}, got {rows.fieldnames}")
        found: list[list[float]] = []
        for line, row in enumerate(rows, start=2):
            try:
                values = [float(row[name]) for name in COLUMNS]
            except (TypeError, ValueError):
                raise BadInput(f"{path}:{line}: {','.join(COLUMNS)} must be numbers, got {row}") from None
            if not (values[0] >= 0 and 0 <= values[3] < UNKNOWN):
                raise BadInput(f"{path}:{line}: frame and label must be 0 or more, and label below 255, got {row}")
            found.append(values)
    return np.array(found, np.float64).reshape(-1, len(COLUMNS))
