"""The raw file among the inputs of a recipe: `<MD5> <path below data/raw>`, or `<MD5> <path>//<name>`.

The name of a video is stored in every row of its tables. It follows from the path alone, unless another file has the
same path but for the ending (video_names.py); then it is part of the input, so that a new name gives a new key.
"""

from __future__ import annotations

from typing import NamedTuple

from flows.engine.video_names import normalize_path, strip_suffix

SEPARATOR = "//"
"""Between path and name; no path contains it."""


class RawInput(NamedTuple):
    """The parts of a raw file's entry in a recipe."""

    md5: str
    relative: str
    """Path below data/raw; "" where the entry is of another input."""
    name: str
    """The video's name where the path alone does not give it, else ""."""


def format_raw_input(md5: str, relative: str, name: str) -> str:
    """The entry of the raw file `relative`, of the video `name`."""
    usual = strip_suffix(normalize_path(relative))
    return f"{md5} {relative}" if name == usual else f"{md5} {relative}{SEPARATOR}{name}"


def parse_raw_input(value: str) -> RawInput:
    """The parts of an entry; `relative` is "" for the content hash of another input."""
    md5, _, place = value.partition(" ")
    relative, _, name = place.partition(SEPARATOR)
    return RawInput(md5, relative, name)
