"""Line numbers of values in a JSON text, for error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
JsonPath = tuple[str | int, ...]


def find_line(text: str, place: Sequence[str | int]) -> int:
    """Line (from 1) of the value at the path `place` of keys and indices, or of its longest existing prefix.

    `text` is valid JSON.
    """
    wanted, best, found = tuple(place), 0, 1
    for way, at, _ in _iterate_tokens(text):
        if len(way) > best and way == wanted[: len(way)]:
            best, found = len(way), text.count("\n", 0, at) + 1
            if way == wanted:
                break
    return found


def find_repeated_key_line(text: str) -> int:
    """Line of the first repeated key of an object; 1 where there is none. The text must be JSON up to there."""
    seen: set[tuple[int, JsonPath]] = set()
    for way, at, parent in _iterate_tokens(text, keys_only=True):
        if (parent, way) in seen:
            return text.count("\n", 0, at) + 1
        seen.add((parent, way))
    return 1


def _iterate_tokens(text: str, keys_only: bool = False) -> Iterator[tuple[JsonPath, int, int]]:
    """(path, offset, offset of the enclosing object) of every key and every value, in order."""
    way: list[str | int] = []
    opened: list[int] = []
    expects_key = False
    for token in TOKEN.finditer(text):
        word = token.group()
        if word in "}]":
            way.pop()
            opened.pop()
            expects_key = False
        elif word == ",":
            last = way[-1]
            expects_key = isinstance(last, str)
            if isinstance(last, int):
                way[-1] = last + 1
        elif expects_key:
            way[-1], expects_key = json.loads(word), False
            yield tuple(way), token.start(), opened[-1]
        elif word != ":":
            if not keys_only:
                yield tuple(way), token.start(), opened[-1] if opened else 0
            if word in "{[":
                way.append("" if word == "{" else 0)
                opened.append(token.start())
                expects_key = word == "{"
