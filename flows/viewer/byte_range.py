"""Byte ranges of HTTP requests (RFC 9110, section 14), by which browsers seek in films."""

from __future__ import annotations

import re
from typing import NamedTuple

ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class ByteRange(NamedTuple):
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.last - self.first + 1


class UnsatisfiableRangeError(ValueError):
    """The range begins behind the end of the file: status 416."""


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """The range of the header `Range` in a file of `size` bytes; None for the whole file.

    A header that is malformed or names several ranges counts as none, as the standard allows. UnsatisfiableRangeError
    where no byte of the file is in it.
    """
    found = None if header is None else ONE_RANGE.fullmatch(header.strip())
    if found is None or found.group(1) == found.group(2) == "":
        return None
    if not found.group(1):
        asked = min(int(found.group(2)), size)
        if not asked:
            raise UnsatisfiableRangeError
        return ByteRange(size - asked, size - 1)
    first = int(found.group(1))
    last = min(int(found.group(2)), size - 1) if found.group(2) else size - 1
    if found.group(2) and int(found.group(2)) < first:
        return None
    if first >= size:
        raise UnsatisfiableRangeError
    return ByteRange(first, last)
