"""Assign video names, which are used in commands, from the paths of all files of the project.

A name is the file's path below data/raw without suffix, in Unicode normalisation form C (a Mac's file systems may give
form D for the same letters). The paths of a video's artifacts are assigned in artifact_stems.py.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import count

from tasks.errors import SemflowError

RAW = "data/raw/"
MAX_NAMES_SHOWN = 5
"""Most names listed in an error message."""
# At most 8 letters and digits with a letter among them, or a raw stream's standard (H.261 ... H.266): the last part of
# a DICOM-like 1.2.840.1, of `Dr. Smith` and of `2024.05.01` is no ending.
_ENDING = re.compile(r"(?<=[^/])\.(?:(?=[0-9]*[A-Za-z])[A-Za-z0-9]{1,8}|26[1-6])\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")
FIRST_ESCAPED, LAST_ESCAPED = 0xDC80, 0xDCFF
"""Code points that Python decodes the invalid bytes 0x80 to 0xFF of a file name to (PEP 383)."""


def normalize_path(path: str) -> str:
    """A path as portable text: Unicode form C, with each byte that is not UTF-8 as %XX."""
    if path.isascii():
        return path
    if _SURROGATE.search(path):
        path = _SURROGATE.sub(lambda found: _escape(found[0]), path)
    return unicodedata.normalize("NFC", path)


def _escape(surrogate: str) -> str:
    """A lone surrogate as %XX: Python decodes an invalid byte 0xNN of a file name as U+DCNN; others are three bytes."""
    code = ord(surrogate)
    given = (
        bytes([code - 0xDC00]) if FIRST_ESCAPED <= code <= LAST_ESCAPED else surrogate.encode("utf-8", "surrogatepass")
    )
    return "".join(f"%{byte:02X}" for byte in given)


def strip_suffix(path: str) -> str:
    """`path` without the suffix of its last part, if it has one."""
    return _ENDING.sub("", path)


def assign_video_names(relatives: Iterable[str]) -> dict[str, str]:
    """Path below data/raw to the video's name; names are unique.

    Where a name without suffix would belong to two files, or be another file's path, the file keeps its suffix. Where
    the normalised paths are equal (form C beside form D), the name ends in `~` and digits of a hash.
    """
    paths = {relative: normalize_path(relative) for relative in relatives}
    short = {relative: strip_suffix(path) for relative, path in paths.items()}
    users, fulls = Counter(short.values()), Counter(paths.values())
    names = {
        relative: name if users[name] == 1 and (name == paths[relative] or name not in fulls) else paths[relative]
        for relative, name in short.items()
    }
    if len(fulls) == len(paths):
        return names
    taken = {*users, *fulls}
    for relative in sorted(names):
        if fulls[paths[relative]] > 1:
            names[relative] = _numbered(relative, paths[relative], taken)
            taken.add(names[relative])
    return names


def _numbered(relative: str, path: str, taken: set[str]) -> str:
    given = relative.encode("utf-8", "surrogatepass")
    tries = (f"{path}~{hashlib.sha256(given + b'/' * n).hexdigest()[:8]}" for n in count())
    return next(name for name in tries if name not in taken)


def resolve_video_name(names: Mapping[str, str], typed: str) -> str:
    """The name of the video that a user typed; `names` as `assign_video_names` gives them.

    Accepts the name, the path below data/raw, the path with data/raw, and the path without suffix, in any Unicode form;
    raises SemflowError with similar names where no video matches, or where two do.
    """
    known = set(names.values())
    for wanted in (readings := _readings(typed)):
        if wanted in known:
            return wanted
        matches = [name for relative, name in names.items() if normalize_path(relative) == wanted] or [
            name for relative, name in names.items() if strip_suffix(normalize_path(relative)) == wanted
        ]
        if len(matches) > 1:
            listed = _listed(sorted(matches), "or")
            raise SemflowError(f"video must be one, got {typed!r}, which may be {listed}; type one of these names")
        if matches:
            return matches[0]
    raise SemflowError(_unknown(known, typed, readings[-1]))


def _readings(typed: str) -> list[str]:
    """The typed text, and the part of it below data/raw."""
    whole = normalize_path(typed)
    _, found, below = f"/{whole}".rpartition(f"/{RAW}")
    return [whole, below if found else whole.removeprefix("./")]


def _unknown(known: set[str], typed: str, wanted: str) -> str:
    import difflib

    if not known:
        return f"video must be one of those in data/raw, got {typed!r}, and there are none; put files there"
    lower = {name.lower(): name for name in sorted(known, reverse=True)}
    last: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(lower):
        last[name.rpartition("/")[2]].append(lower[name])
    word = strip_suffix(wanted).lower()
    close = [lower[name] for name in difflib.get_close_matches(word, lower)]
    close += [name for part in difflib.get_close_matches(word.rpartition("/")[2], last) for name in last[part]]
    if close:
        return (
            f"video must be one of the {len(known)} of this project, got {typed!r}; did you mean "
            f"{_listed(list(dict.fromkeys(close))[:3], 'or')}?"
        )
    return f"video must be one of {_listed(sorted(known), 'and')}, got {typed!r}"


def _listed(names: list[str], word: str) -> str:
    if len(names) > MAX_NAMES_SHOWN:
        return f"{', '.join(names[:MAX_NAMES_SHOWN])} {word} {len(names) - MAX_NAMES_SHOWN} more"
    return f" {word} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
