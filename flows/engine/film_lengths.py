"""Lengths of the films by the headers of their files, measured once for each file and remembered in the state.

What a run will take is estimated from them, before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from flows.engine.file_marks import read_mark
from flows.engine.state import State
from flows.engine.video_list import Video
from tasks.decode.film_length import FilmLength, read_film_length
from tasks.errors import BadInput, SemflowError

PREFIX = "film-length:"


def read_film_lengths(state: State) -> dict[str, FilmLength]:
    """Video to its length, of those that were measured and state one."""
    known = state.read_memos(PREFIX)
    return {video: FilmLength(*value["length"]) for video, value in known.items() if value["length"] is not None}


def measure_new_films(state: State, videos: Mapping[str, Video]) -> None:
    """Read the headers of files on this machine that were not read in their present form; some milliseconds a file."""
    known = state.read_memos(PREFIX)
    new: dict[str, Mapping[str, object]] = {}
    for name, video in videos.items():
        mark = None if video.file is None else read_mark(video.file)
        if video.file is None or mark is None:
            continue
        form = [mark.size, mark.mtime_ns]
        if name not in known or known[name]["form"] != form:
            try:
                length = _measure_file(video.file)
            except (OSError, SemflowError):
                continue  # a server that does not answer now
            new[name] = {"form": form, "length": None if length is None else astuple(length)}
    if new:
        state.save_memos(PREFIX, new)


def _measure_file(file: Path) -> FilmLength | None:
    try:
        return read_film_length(file)
    except BadInput:
        return None  # `decode` says what is wrong with it
