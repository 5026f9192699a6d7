"""Plain values out of YAML, with the line of each: what a file of parameters may hold, and nothing else.

YAML 1.1 as PyYAML reads it, but read from the parser's events, so that every value has its line, no depth and no alias
can grow without bound, and a key that is given twice is an error and not the last one's win. Dates, sets, binaries and
objects are no parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import yaml
from yaml.reader import Reader

from tasks.errors import BadParams

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: libyaml's is some ten times as fast, and gives the same events."""
MAX_LEVELS = 20
MAX_VALUES = 10_000
MAX_SHOWN = 80
MAX_INTEGER, MAX_FLOAT = 2**31 - 1, 1e12
"""Of whole numbers (frames, pixels and rows are counted in 32 bits) and of others, whose squares must not overflow."""
TAG = "tag:yaml.org,2002:"
PLAIN = "a number, text, true, false, null or a list"
Path = tuple[str | int, ...]
_scalars: Any = yaml.SafeLoader("")


@dataclass
class YamlNode:
    """A value and where it stands; a mapping's or a list's are nodes in turn."""

    line: int
    value: Any = None
    key_lines: dict[str, int] = field(default_factory=dict[str, int])
    """Of a mapping: key to its line."""
    levels: int = 1
    """Of mappings and lists, its own and those in it."""
    size: int = 1
    """Values in it, itself among them, those behind an alias each time."""

    def to_plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {key: node.to_plain() for key, node in cast("dict[str, YamlNode]", self.value).items()}
        if isinstance(self.value, list):
            return [node.to_plain() for node in cast("list[YamlNode]", self.value)]
        return self.value

    def iterate_lines(self, above: Path = ()) -> Iterator[tuple[Path, int]]:
        """The path of every key and item, and its line."""
        if isinstance(self.value, dict):
            for key, node in cast("dict[str, YamlNode]", self.value).items():
                yield (*above, key), self.key_lines[key]
                yield from node.iterate_lines((*above, key))
        elif isinstance(self.value, list):
            for index, node in enumerate(cast("list[YamlNode]", self.value)):
                yield (*above, index), node.line
                yield from node.iterate_lines((*above, index))


def read_yaml(text: str, shown: str) -> YamlNode:
    """The one document of `text`; BadParams with `shown`, the line and what came where it is anything else."""
    if unprintable := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        raise BadParams(f"{shown}:{line}: must be text, got the character {unprintable.group()!r}")
    builder = _Builder(shown)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise BadParams(f"{shown}:{mark.line + 1 if mark else 1}: must be YAML, got an error {words}") from None
    except yaml.YAMLError as error:
        raise BadParams(f"{shown}:1: must be YAML, got {' '.join(str(error).split())}") from None
    return builder.root or YamlNode(1)


@dataclass
class _Open:
    """A mapping or a list whose end has not come yet."""

    node: YamlNode
    anchor: str | None
    key: str | None = None
    """The key whose value comes next."""
    merged: dict[str, tuple[YamlNode, int]] = field(default_factory=dict[str, tuple[YamlNode, int]])
    """Keys that a merge (<<) brings, for those that the mapping has not itself."""


MERGE = "<<"


class _Builder:
    """Nodes out of events."""

    def __init__(self, shown: str) -> None:
        self.root: YamlNode | None = None
        self._shown = shown
        self._open: list[_Open] = []
        self._anchors: dict[str, YamlNode | None] = {}
        """None while its end has not come: what refers to it then refers to itself."""

    def take(self, event: Any) -> None:
        """The next event."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise self._wrong(line, "must be one document, got a second one")
        if isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()

    def _scalar(self, event: Any, line: int) -> None:
        tag = event.tag
        if tag is None or tag == "!":
            tag = _scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        above = self._open[-1] if self._open else None
        if above is not None and isinstance(above.node.value, dict) and above.key is None:
            self._key(above, event.value, tag, line)
            return
        node = YamlNode(line, self._constant(tag, event.value, line))
        if event.anchor:
            self._name(event.anchor, node, line)
        self._put(node)

    def _key(self, above: _Open, key: str, tag: str, line: int) -> None:
        if tag == f"{TAG}merge":
            above.key = MERGE
            return
        if tag != f"{TAG}str":
            read = tag.removeprefix(TAG)
            raise self._wrong(line, f"keys must be names, got {shorten_value(key)}, which YAML reads as {read}")
        if key in above.node.key_lines:
            before = above.node.key_lines[key]
            raise self._wrong(line, f"{self._path(key)} must be given once, got it in line {before} too; remove one")
        above.node.key_lines[key] = line
        above.key = key

    def _begin(self, event: Any, line: int) -> None:
        if len(self._open) >= MAX_LEVELS:
            raise self._wrong(line, f"must have at most {MAX_LEVELS} levels, got more")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{TAG}map" if is_mapping else f"{TAG}seq"):
            raise self._wrong(line, f"{self._path()} must be {PLAIN}, got {event.tag.removeprefix(TAG)}")
        self._no_key_yet(line, "a mapping" if is_mapping else "a list")
        if event.anchor:
            self._name(event.anchor, None, line)
        self._open.append(_Open(YamlNode(line, {} if is_mapping else []), event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        node = done.node
        for key, (value, line) in done.merged.items():
            if key not in node.value:
                node.value[key], node.key_lines[key] = value, line
        inside: list[YamlNode] = [*node.value.values()] if isinstance(node.value, dict) else node.value
        node.levels = 1 + max((part.levels for part in inside), default=0)
        node.size = 1 + sum(part.size for part in inside)
        if done.anchor:
            self._anchors[done.anchor] = node
        self._check(node)
        self._put(node)

    def _alias(self, event: Any, line: int) -> None:
        self._no_key_yet(line, "an alias")
        if event.anchor not in self._anchors:
            raise self._wrong(line, f"*{event.anchor} must name an anchor above, got none of that name")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._wrong(line, f"*{event.anchor} must stand outside of what it names, got one that holds itself")
        self._check(node, line)
        self._put(node)

    def _put(self, node: YamlNode) -> None:
        """Give a value to what it belongs to."""
        if not self._open:
            self.root = node
            return
        above = self._open[-1]
        if isinstance(above.node.value, list):
            cast("list[YamlNode]", above.node.value).append(node)
            above.node.size += node.size
        elif above.key == MERGE:
            self._merge(above, node)
            above.key = None
        else:
            above.node.value[above.key] = node
            above.node.size += node.size
            above.key = None
        self._check(above.node)

    def _merge(self, above: _Open, node: YamlNode) -> None:
        for part in cast("list[YamlNode]", node.value) if isinstance(node.value, list) else [node]:
            if not isinstance(part.value, dict):
                raise self._wrong(node.line, "<< must be given a mapping or a list of them, got something else")
            for key, value in cast("dict[str, YamlNode]", part.value).items():
                above.merged.setdefault(key, (value, part.key_lines[key]))

    def _name(self, anchor: str, node: YamlNode | None, line: int) -> None:
        if anchor in self._anchors:
            raise self._wrong(line, f"&{anchor} must be given once, got it before; take another name")
        self._anchors[anchor] = node

    def _no_key_yet(self, line: int, got: str) -> None:
        if self._open and isinstance(self._open[-1].node.value, dict) and self._open[-1].key is None:
            raise self._wrong(line, f"keys must be names, got {got}")

    def _check(self, node: YamlNode, line: int | None = None) -> None:
        where = line or node.line
        if node.size > MAX_VALUES:
            raise self._wrong(
                where, f"must hold at most {MAX_VALUES} values, aliases counted as often as used, got more"
            )
        if node.levels + len(self._open) > MAX_LEVELS:
            raise self._wrong(where, f"must have at most {MAX_LEVELS} levels, got more")

    def _constant(self, tag: str, text: str, line: int) -> Any:
        kind = tag.removeprefix(TAG)
        if kind not in ("str", "int", "float", "bool", "null"):
            hint = f"; put it into quotes, '{text}', if it is text" if kind in ("timestamp", "value", "merge") else ""
            kind = "a date" if kind == "timestamp" else kind
            raise self._wrong(line, f"{self._path()} must be {PLAIN}, got {kind} {shorten_value(text)}{hint}")
        if kind == "str":
            return self._text(text, line)
        try:
            value = getattr(_scalars, f"construct_yaml_{kind}")(yaml.ScalarNode(tag, text))
        except (ValueError, KeyError, OverflowError, IndexError):
            raise self._wrong(line, f"{self._path()} must be {PLAIN}, got {shorten_value(text)} as {kind}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise self._wrong(line, f"{self._path()} must be a finite number, got {shorten_value(text)}")
        most = MAX_FLOAT if isinstance(value, float) else MAX_INTEGER
        if value is not None and abs(value) > most:
            raise self._wrong(line, f"{self._path()} must be at most {most:.10g}, got {shorten_value(text)}")
        return value

    def _text(self, text: str, line: int) -> str:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self._wrong(line, f"{self._path()} must be text, got half of a character, {shorten_value(text)}")
        return text

    def _path(self, last: str | None = None) -> str:
        """Where we are, as keys with dots between."""
        parts = [
            str(len(part.node.value)) if isinstance(part.node.value, list) else part.key
            for part in self._open
            if isinstance(part.node.value, list) or part.key is not None
        ]
        return ".".join([str(part) for part in parts] + ([last] if last is not None else [])) or "the file"

    def _wrong(self, line: int, words: str) -> BadParams:
        return BadParams(f"{self._shown}:{line}: {words}")


def shorten_value(value: object) -> str:
    """A value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
