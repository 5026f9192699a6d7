"""Boxes that came back from an annotation tool, as they stand in its file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tasks.errors import BadInput

EXPORT_SEPARATOR = " "
"""Between the hash of the exported tracks and the classes that the export was limited to."""


@dataclass(frozen=True)
class AnnotatedBox:
    """One box in one frame."""

    frame: int
    """Of the film, from 0."""
    xyxy: tuple[float, float, float, float]
    """Edges in pixels of the film."""
    class_name: str
    identity: int
    """The number that stands at the box; 0 where none does."""
    track: str
    """The tool's own track, in which boxes are one object; "" where it knows none."""


@dataclass(frozen=True)
class AnnotatedFilm:
    """The annotations of one film."""

    name: str
    """The film's name in the file."""
    width: int
    """Of the images that the boxes are in, pixels."""
    height: int
    frames: Collection[int]
    """Frames of the film that were annotated, with boxes or without."""
    boxes: Sequence[AnnotatedBox]
    base: str = ""
    """MD5 of the tracks that were exported; "" where the file does not say."""
    classes: tuple[str, ...] = ()
    """Classes that the export was limited to; empty for all."""


def parse_export_mark(text: str) -> tuple[str, tuple[str, ...]]:
    """Hash and classes of the mark that an export writes into a file."""
    base, *classes = text.split(EXPORT_SEPARATOR, 1)
    return base, tuple(classes[0].split(",")) if classes else ()


def make_export_mark(base: str, classes: Sequence[str]) -> str:
    """The mark that says what was exported: the hash of the tracks, and the classes where they were limited."""
    return f"{base}{EXPORT_SEPARATOR}{','.join(classes)}" if classes else base


def check_box(box: Sequence[float], where: str) -> tuple[float, float, float, float]:
    """The box; BadInput where it has no area."""
    left, top, right, bottom = box
    if not (left < right and top < bottom):
        raise BadInput(f"{where}: a box must have left < right and top < bottom, got {list(box)}; mend or delete it")
    return left, top, right, bottom
