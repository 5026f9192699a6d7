"""Capture of FFmpeg's log messages: for some codecs the only evidence of a damaged frame.

Decoders conceal errors: measured over thirteen codecs with overwritten packets, MJPEG, FFV1 and HEVC return broken
frames with no error code and no flag, and report them in the log only. Messages are captured in the calling thread,
so the codec must run in that thread alone (`thread_count = 1`), which also makes its results reproducible.
Messages of other threads (FFmpeg probes files in threads of its own) go to Python's logging under `libav`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

import av
import av.logging

# Settings of the whole process.
av.logging.set_level(av.logging.ERROR)
av.logging.set_skip_repeated(False)
# Without a handler Python would print these messages on the terminal of an application that configures no logging.
logging.getLogger("libav").addHandler(logging.NullHandler())

LogMessage = tuple[int, str, str]
"""(level, name, text): FFmpeg's level, name of the codec or container, message."""


@contextmanager
def capture_ffmpeg_log() -> Generator[list[LogMessage]]:
    """The list that receives FFmpeg's error messages of this thread inside the `with` block."""
    with av.logging.Capture(local=True) as messages:
        yield messages


def select_errors(messages: list[LogMessage], who: str | None = None) -> list[str]:
    """The messages that are errors or worse, of `who` alone where given."""
    return [what.strip() for level, name, what in messages if who in (None, name) and level <= av.logging.ERROR]
