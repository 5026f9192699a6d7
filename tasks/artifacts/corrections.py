"""The user's corrections of a video's tracks: `data/corrections/<video>.json`. It may be absent.

    {
      "version": 1,
      "width": 1920, "height": 1080,                          pixels of the film, in which all boxes are
      "corrections": [
        {"kind": "identity", "base": "0c1f…", "identity": 7,  these segments are one object, and no other object's
         "segments": [{"was": 7, "boxes": [[0, 10, 20, 60, 180], [31, 40, 20, 90, 180]]}, {"was": 12, "boxes": […]}]},
        {"kind": "class", "base": "0c1f…", "class": "bicycle", "segments": […]},
        {"kind": "delete", "base": "0c1f…", "segments": […]},
        {"kind": "move", "base": "0c1f…", "boxes": [[15, 10, 20, 60, 180, 12, 20, 62, 180]]},
        {"kind": "add", "base": "0c1f…", "identity": 7, "class": "person", "near": [[31, 40, 20, 90, 180]],
         "boxes": [[32, 41, 20, 91, 180]]}
      ]
    }

`semflow import annotations` writes it. Corrections are differences from the tracks that were exported, whose hash is
`base`; those of one base are applied together, bases one after the other. A box is frame, left, top, right, bottom, and
a moved one has the new sides after the old ones; frames are images of the film. A segment names rows of one track by a
few of its boxes, the first and the last among them, so that it is found again where tracks have other numbers. `near`
holds boxes of the object that an added box belongs to; without any it is a new object. `identity` is a number in
`base`, or one that the user gave; 0 stands for a new one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np

from tasks.arrays import Floats
from tasks.artifacts.artifact import UserInput
from tasks.errors import BadInput
from tasks.text import read_text

VERSION = 1
BOX, MOVED_BOX = 5, 9
"""Numbers of a box, with its frame, and of one that was moved."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "identity": ("identity", "segments"),
    "class": ("class", "segments"),
    "delete": ("segments",),
    "move": ("boxes",),
    "add": ("identity", "class", "near", "boxes"),
}
"""Kind of a correction to the keys that it has besides `kind` and `base`."""
MAX_SHOWN = 60
Kind = Literal["identity", "class", "delete", "move", "add"]


@dataclass(frozen=True, eq=False)
class Segment:
    """Rows of one track from the first to the last of its boxes."""

    was: int
    """Identity in the tracks that were exported."""
    boxes: Floats
    """(n, 5) frame, left, top, right, bottom; frames increase."""


@dataclass(frozen=True, eq=False)
class Correction:
    """One difference from the tracks that were exported."""

    kind: Kind
    base: str
    """MD5 of the tracks that were exported."""
    identity: int = 0
    class_name: str = ""
    segments: tuple[Segment, ...] = ()
    boxes: Floats | None = None
    """(n, 5), or (n, 9) of moved boxes."""
    near: Floats | None = None
    """(n, 5) boxes of the object that added boxes belong to."""

    @property
    def frames(self) -> tuple[int, int]:
        """First and last frame of the film that it is about."""
        parts = [segment.boxes[:, 0] for segment in self.segments]
        found = np.concatenate([*parts, self.boxes[:, 0]] if self.boxes is not None else parts)
        return int(found.min()), int(found.max())


@dataclass(frozen=True, eq=False)
class Corrections(UserInput):
    """All corrections of a video, in the order in which they are applied."""

    FOLDER: ClassVar[str] = "data/corrections"
    SUFFIX: ClassVar[str] = ".json"

    width: int = 0
    """Of the film, pixels."""
    height: int = 0
    """Of the film, pixels."""
    corrections: tuple[Correction, ...] = ()

    @classmethod
    def absent(cls) -> Self:
        """The value for a missing file."""
        return cls()

    def group_by_base(self) -> list[list[Correction]]:
        """The corrections that are applied together, in order."""
        return [list(group) for _, group in groupby(self.corrections, key=lambda one: one.base)]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check the file; BadInput with the correction, the key, the expected and the actual value."""
        try:
            value: Any = json.loads(read_text(path, path.name))
        except json.JSONDecodeError as error:
            raise BadInput(f"{path.name}:{error.lineno}: must be JSON, got {error.msg}") from None
        except RecursionError:
            raise BadInput(f"{path.name}:1: must be JSON of corrections, got lists in lists without end") from None
        if not isinstance(value, dict):
            raise BadInput(f"{path.name} must be an object with corrections, got {_show(value)}")
        top = cast("dict[str, Any]", value)
        if top.get("version") != VERSION:
            raise BadInput(
                f"{path.name}: version must be {VERSION}, got {_show(top.get('version'))}; import the annotations again"
            )
        for name in ("width", "height"):
            if not _is_whole(top.get(name)) or top[name] < 1:
                raise BadInput(f"{path.name}: {name} must be a whole number of pixels, got {_show(top.get(name))}")
        rows = top.get("corrections")
        if not isinstance(rows, list):
            raise BadInput(f"{path.name}: corrections must be a list, got {_show(rows)}")
        found = tuple(_parse(row, f"{path.name}: correction {n}") for n, row in enumerate(cast("list[Any]", rows), 1))
        return cls(top["width"], top["height"], found)

    def to_json(self) -> str:
        """The text of the file, a correction per line."""
        rows = ",\n  ".join(json.dumps(_to_plain(one)) for one in self.corrections)
        head = f'"version": {VERSION},\n "width": {self.width}, "height": {self.height},\n "corrections": '
        return f"{{{head}[\n  {rows}\n ]}}\n" if rows else f"{{{head}[]}}\n"


def _to_plain(one: Correction) -> dict[str, Any]:
    values = {
        "identity": one.identity,
        "class": one.class_name,
        "segments": [{"was": segment.was, "boxes": _to_lists(segment.boxes)} for segment in one.segments],
        "near": _to_lists(one.near),
        "boxes": _to_lists(one.boxes),
    }
    return {"kind": one.kind, "base": one.base, **{name: values[name] for name in KEYS[one.kind]}}


def _to_lists(boxes: Floats | None) -> list[list[float]]:
    """Rows as JSON, the frame as a whole number and sides to hundredths of a pixel."""
    return [] if boxes is None else [[int(row[0]), *(round(side, 2) for side in row[1:])] for row in boxes.tolist()]


def _parse(value: Any, where: str) -> Correction:
    """One correction; BadInput where a key is missing, unknown or of another type."""
    if not isinstance(value, dict) or value.get("kind") not in KEYS:
        raise BadInput(f"{where}: kind must be one of {', '.join(KEYS)}, got {_show(value)}")
    row = cast("dict[str, Any]", value)
    kind: Kind = row["kind"]
    wanted = {"kind", "base", *KEYS[kind]}
    for name in sorted(wanted ^ row.keys()):
        raise BadInput(f"{where}: keys must be {', '.join(sorted(wanted))}, got {name} {_missing(name in wanted)}")
    if not isinstance(row["base"], str):
        raise BadInput(f"{where}: base must be a hash, got {_show(row['base'])}")
    if "identity" in row and (not _is_whole(row["identity"]) or row["identity"] < 0):
        raise BadInput(f"{where}: identity must be a whole number from 0 on, got {_show(row['identity'])}")
    if "class" in row and (not isinstance(row["class"], str) or not row["class"]):
        raise BadInput(f"{where}: class must be a name, got {_show(row['class'])}")
    return Correction(
        kind=kind,
        base=row["base"],
        identity=row.get("identity", 0),
        class_name=row.get("class", ""),
        segments=_parse_segments(row["segments"], where) if "segments" in row else (),
        boxes=_parse_boxes(row["boxes"], where, MOVED_BOX if kind == "move" else BOX) if "boxes" in row else None,
        near=_parse_boxes(row["near"], where, BOX, may_be_empty=True) if "near" in row else None,
    )


def _parse_segments(value: Any, where: str) -> tuple[Segment, ...]:
    if not isinstance(value, list) or not value:
        raise BadInput(f"{where}: segments must be a list with a segment, got {_show(value)}")
    found: list[Segment] = []
    for row in cast("list[Any]", value):
        if not isinstance(row, dict) or {*cast("dict[str, Any]", row)} != {"was", "boxes"} or not _is_whole(row["was"]):
            raise BadInput(f"{where}: a segment must have was, an identity, and boxes, got {_show(row)}")
        found.append(Segment(row["was"], _parse_boxes(row["boxes"], where, BOX)))
    return tuple(found)


def _parse_boxes(value: Any, where: str, width: int, *, may_be_empty: bool = False) -> Floats:
    """(n, width) boxes; BadInput where sides are in the wrong order or frames do not increase."""
    expected = f"{where}: boxes must be lists of {width} numbers, frame first and left < right, top < bottom"
    try:
        found = np.array(value, np.float64).reshape(-1, width) if value == [] else np.array(value, np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"{expected}, got {_show(value)}") from None
    if found.ndim != 2 or found.shape[1] != width or (not len(found) and not may_be_empty):  # noqa: PLR2004  a table
        raise BadInput(f"{expected}, got {_show(value)}")
    for first in range(1, width, BOX - 1):
        left, top, right, bottom = found[:, first : first + BOX - 1].T
        if not (np.isfinite(found).all() and (left < right).all() and (top < bottom).all()):
            raise BadInput(f"{expected}, got {_show(value)}")
    if (found[:, 0] < 0).any() or (found[:, 0] % 1).any() or (np.diff(found[:, 0]) <= 0).any():
        raise BadInput(f"{where}: frames of boxes must be whole numbers that increase, got {_show(value)}")
    return found


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _missing(wanted: bool) -> str:
    return "missing" if wanted else "too"


def _show(value: object) -> str:
    return "nothing" if value is None else json.dumps(value)[:MAX_SHOWN]


def join_corrections(before: Corrections, base: str, more: Sequence[Correction]) -> tuple[Correction, ...]:
    """The corrections with those of `base` replaced by `more`, in their place, or added at the end."""
    kept = [one for one in before.corrections if one.base != base]
    place = next((n for n, one in enumerate(before.corrections) if one.base == base), len(kept))
    return (*kept[:place], *more, *kept[place:])
