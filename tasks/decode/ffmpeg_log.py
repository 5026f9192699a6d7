"""What FFmpeg says while it works: the only sign of some damage.

Decoders conceal errors: measured over thirteen codecs with overwritten packets, MJPEG, FFV1 and HEVC hand out broken
pictures with no error code and no flag, and only the log tells. Messages are caught in the thread that makes the call,
so the codec must run in that thread alone (`thread_count = 1`), which also makes its results the same everywhere.
Messages from elsewhere (FFmpeg probes files in threads of its own) go to Python's logging under `libav`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

import av
import av.logging

# These belong to the process.
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
# A library that does not ask for logs should not get them on its terminal.
logging.getLogger("libav").addHandler(logging.NullHandler())

LogMessage = tuple[int, str, str]
"""(level, who, what): FFmpeg's level, name of the codec or container, message."""


@contextmanager
def capture_ffmpeg_log() -> Generator[list[LogMessage]]:
    """Collects what FFmpeg reports as errors in this thread inside the `with`."""
    with av.logging.Capture(local=True) as said:
        yield said


def select_errors(said: list[LogMessage], who: str | None = None) -> list[str]:
    """The messages that are errors or worse, of `who` alone where given."""
    return [what.strip() for level, name, what in said if who in (None, name) and level <= av.logging.ERROR]
