"""The boxes of which MP4, QuickTime and HEIF files consist (ISO/IEC 14496-12 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BOX_HEAD, LONG_BOX_HEAD = 8, 16  # bytes


@dataclass(frozen=True)
class BoxPlace:
    """A box of a file."""

    kind: bytes
    """Its type, four bytes."""
    start: int
    """Where its content begins, bytes from the beginning of the file."""
    length: int
    """Of its content, bytes."""


def walk_boxes(stream: BinaryIO) -> Iterator[BoxPlace]:
    """The outermost boxes of a file, whose contents are not read; ValueError or struct.error where it is damaged."""
    size, at = stream.seek(0, 2), 0
    while at < size:
        stream.seek(at)
        kind, length, head = _read_box_head(stream.read(LONG_BOX_HEAD), size - at)
        yield BoxPlace(kind, at + head, length - head)
        at += length


def list_boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(type, content) of the boxes that lie in `content`."""
    at = 0
    while at + BOX_HEAD <= len(content):
        kind, length, head = _read_box_head(content[at : at + LONG_BOX_HEAD], len(content) - at)
        yield kind, content[at + head : at + length]
        at += length


def _read_box_head(head: bytes, rest: int) -> tuple[bytes, int, int]:
    """Type, length with the head, and length of the head (ISO/IEC 14496-12 4.2); a length of 0 is all that is left."""
    length, kind = struct.unpack_from(">I4s", head)
    size = BOX_HEAD
    if length == 1:
        length, size = struct.unpack_from(">Q", head, 8)[0], LONG_BOX_HEAD
    length = length or rest
    if length < size:
        raise ValueError(f"a box must be as long as its head, got {length} bytes")
    return kind, length, size


def has_only_images(stream: BinaryIO) -> bool:
    """Whether an MP4 or HEIF file describes images and no track: a photo, whole, in tiles, or several of them."""
    try:
        kinds = {box.kind for box in walk_boxes(stream)}
    except (OSError, ValueError, struct.error):
        return False
    return b"meta" in kinds and not kinds & {b"moov", b"moof"}
