"""Image files read one after another, as FFmpeg's formats of joined images expect them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path


class JoinedImages(io.RawIOBase):
    """A stream over the bytes of all files, of which one is open at a time; it cannot seek."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._waiting = list(reversed(files))
        self._current = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fill the start of `buffer`; the number of bytes, 0 at the end."""
        while not self._current and self._waiting:
            self._current = self._waiting.pop().read_bytes()
        taken, self._current = self._current[: len(buffer)], self._current[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)
