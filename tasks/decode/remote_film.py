"""A film at an address, read by blocks over the network; no copy of it is kept.

The blocks of a film whose packets come in order of time (MP4, MOV) stay in memory for a while. Other films are read
twice or out of order: their blocks go to a nameless temporary file, which ends with the process at the latest. So
each byte is fetched about once.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import IO, Any, BinaryIO

from tasks.decode.file_kind import SAMPLE_BYTES, is_mp4
from tasks.decode.film_address import SUFFIX, FilmAddress, read_film_address
from tasks.decode.film_source import FilmSource, find_source
from tasks.errors import SemflowError

BLOCK = 1 << 20
"""Bytes that are fetched at once."""
BLOCKS_AHEAD = 4
"""Blocks that are fetched at once while one is read after another."""
HASHED = 8 * BLOCK
"""Bytes that are fetched at once to be hashed."""
KEPT_BLOCKS = 32
"""Blocks in memory."""
MAX_REFETCHED = 0.1
"""Share of the blocks that may be fetched again before they go to a file."""
RETRY_DELAYS_S = (0.5, 2.0)


class RemoteFilm:
    """The bytes of a film. A failure is kept and given by `check`, since FFmpeg would take it for a damaged film."""

    def __init__(self, address: FilmAddress, source: FilmSource, folder: Path) -> None:
        """`folder`: where the temporary file is made, if any."""
        self.address = address
        self._source = source
        self._folder = folder
        self._recent: OrderedDict[int, bytes] = OrderedDict()
        self._file: IO[bytes] | None = None
        self._stored: set[int] = set()
        self._seen: set[int] = set()
        self._refetched = 0
        self._failure: OSError | SemflowError | None = None
        if not is_mp4(self.sample):
            self._use_file()

    @property
    def sample(self) -> bytes:
        """The first bytes, as read_sample gives them."""
        found = self.read(0, SAMPLE_BYTES)
        self.check()
        return found

    def check(self) -> None:
        """Raise the failure to read, if there was one: ConnectionError, PermissionError, SemflowError and the like."""
        if self._failure is not None:
            raise self._failure

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start`, within one block; b"" at the end and after a failure."""
        number, offset = divmod(start, BLOCK)
        if start >= self.address.size or self._failure is not None:
            return b""
        try:
            return self._get_block(number)[offset : offset + count]
        except (OSError, SemflowError) as error:
            self._failure = error
            return b""

    def close(self) -> None:
        """Remove the temporary file."""
        if self._file is not None:
            self._file.close()

    def _get_block(self, number: int) -> bytes:
        if number in self._recent:
            self._recent.move_to_end(number)
            return self._recent[number]
        if self._file is not None and number in self._stored:
            self._file.seek(number * BLOCK)
            self._remember(number, self._file.read(BLOCK))
        else:
            self._fetch(number)
        return self._recent[number]

    def _fetch(self, number: int) -> None:
        """Fetch a block, and those behind it where the one before it was read and they were not."""
        self._refetched += number in self._seen
        ahead = range(number, number + (BLOCKS_AHEAD if number - 1 in self._recent else 1))
        wanted = [number, *takewhile(lambda other: other not in self._seen, ahead[1:])]
        found = fetch_range(self._source, self.address, number * BLOCK, (wanted[-1] + 1) * BLOCK)
        for count, other in enumerate(wanted):
            if block := found[count * BLOCK : (count + 1) * BLOCK]:
                self._seen.add(other)
                self._store(other, block)
                self._remember(other, block)
        if self._file is None and self._refetched > MAX_REFETCHED * self.address.size / BLOCK:
            self._use_file()

    def _remember(self, number: int, block: bytes) -> None:
        self._recent[number] = block
        if len(self._recent) > KEPT_BLOCKS:
            self._recent.popitem(last=False)

    def _use_file(self) -> None:
        self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  closed by `close`
        for number, block in self._recent.items():
            self._store(number, block)

    def _store(self, number: int, block: bytes) -> None:
        if self._file is not None:
            self._file.seek(number * BLOCK)
            self._file.write(block)
            self._stored.add(number)


class RemoteStream:
    """A position in a film, as PyAV reads file objects."""

    def __init__(self, film: RemoteFilm) -> None:
        self.name = film.address.file_name  # FFmpeg guesses some formats by the ending
        self._film = film
        self._at = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; b"" at the end."""
        found = self._film.read(self._at, count)
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """The new position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._film.address.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at


class _RawFilm(io.RawIOBase):
    """The same for Python's own readers."""

    def __init__(self, film: RemoteFilm) -> None:
        super().__init__()
        self._stream = RemoteStream(film)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        found = self._stream.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def open_bytes(film: RemoteFilm) -> BinaryIO:
    """The film as a file that is opened for reading; `film` itself stays open when it is closed."""
    return io.BufferedReader(_RawFilm(film))


@contextmanager
def open_remote_film(file: Path) -> Generator[RemoteFilm | None]:
    """The film at the address that `file` holds, to be shared by all who read it; None where `file` is a film itself.

    Raises OSError or SemflowError where the film cannot be read.
    """
    if file.suffix != SUFFIX:
        yield None
        return
    address = read_film_address(file)
    film = RemoteFilm(address, find_source(address.url), file.parent)
    try:
        yield film
    finally:
        film.close()


def fetch_range(
    source: FilmSource, address: FilmAddress, start: int, end: int, pause: Callable[[float], None] = time.sleep
) -> bytes:
    """The bytes `start` to before `end` or the film's end; tries again where the connection breaks."""
    end = min(end, address.size)
    found = b""
    for delay_s in (*RETRY_DELAYS_S, None):
        try:
            found += source.read(address, start + len(found), end)
            if len(found) == end - start:
                return found
        except ConnectionError:
            if delay_s is None:
                raise
        if delay_s is not None:
            pause(delay_s)
    raise ConnectionError(f"{address.url} cannot be reached (answers are cut off)")


def md5_remote_film(address: FilmAddress) -> str:
    """MD5 of a film's bytes: as the server states it, else all of them are read once. Errors as of FilmSource.read."""
    if address.md5:
        return address.md5
    source, total = find_source(address.url), hashlib.md5(usedforsecurity=False)
    for start in range(0, address.size, HASHED):
        total.update(fetch_range(source, address, start, start + HASHED))
    return total.hexdigest()
