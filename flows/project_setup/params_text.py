"""The text of a params.yaml in pieces: sections and keys with their comments, so that it is edited by line.

Comments below a key that stand further right than it belong to it, others to the key that follows; those below a
section's name up to an empty line belong to the section.
Joined again, the pieces give the same text. A section must be written in blocks, a key a line, for its keys to be told
apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import yaml

from tasks.errors import BadParams


@dataclass(frozen=True)
class ParamEntry:
    """A key with its value."""

    name: str
    lead: tuple[str, ...]
    """Comments and empty lines above it."""
    body: tuple[str, ...]
    """The lines of key and value, and comments below the key."""
    key_end: int
    """Column behind the key in the first of them."""

    def rename(self, name: str) -> Self:
        """The same value under another key."""
        first = self.body[0]
        indent = first[: len(first) - len(first.lstrip())]
        body = (f"{indent}{name}{first[self.key_end :]}", *self.body[1:])
        return replace(self, name=name, body=body, key_end=len(indent) + len(name))

    def replace_value(self, other: Self) -> Self:
        """Key and value of another entry with the comments of this one."""
        first, *rest = other.body
        comments = [line for line in self.body[1:] if _is_comment(line)]
        return replace(
            other, lead=self.lead, body=(first, *comments, *(line for line in rest if not _is_comment(line)))
        )

    def comment_out(self, why: str) -> tuple[str, ...]:
        """Its lines as comments, the first one with a reason."""
        first, *others = self.body
        indent = first[: len(first) - len(first.lstrip())]
        rest = [line.strip() for line in others if line.strip()]
        rest = [f"{indent}{line}" if _is_comment(line) else f"{indent}# {line}" for line in rest]
        return (*self.lead, f"{indent}# {why}: {first.strip()}", *rest)

    @property
    def value(self) -> str:
        """The value as it is written, in one line."""
        rest = [line.strip() for line in self.body[1:] if not _is_comment(line)]
        return " ".join((self.body[0][self.key_end + 1 :].strip(), *rest)).strip()


@dataclass(frozen=True)
class ParamSection:
    """A section with its keys."""

    header: ParamEntry
    """Its name; the value is `entries`."""
    entries: tuple[ParamEntry, ...]
    tail: tuple[str, ...] = ()
    """Comments behind the last key that took the place of keys."""


@dataclass(frozen=True)
class ParamsText:
    """The whole file."""

    sections: dict[str, ParamSection] = field(default_factory=dict[str, ParamSection])
    tail: tuple[str, ...] = ()
    """Lines behind the last section."""

    @classmethod
    def parse(cls, text: str, shown: str) -> Self:
        """The pieces of `text`; raises BadParams with file and line where a section is not written in blocks."""
        lines = text.splitlines()
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise BadParams(f"{shown}:1: must hold sections, got something else; restore it with git")
        found: dict[str, ParamSection] = {}
        done = 0
        starts = [key.start_mark.line for key, _ in root.value]
        for (key, value), end in zip(root.value, [*starts[1:], len(lines)], strict=True):
            inner = value.value if isinstance(value, yaml.MappingNode) else []
            if inner and value.flow_style:
                where = f"{shown}:{key.start_mark.line + 1}"
                raise BadParams(f"{where}: {key.value} must have a line for each key, got braces; write it in lines")
            first = inner[0][0].start_mark.line if inner else end
            header, done = _take(lines, key, done, first, bool(inner))
            entries: list[ParamEntry] = []
            edges = [one.start_mark.line for one, _ in inner]
            for (one, _), stop in zip(inner, [*edges[1:], end], strict=False):  # no key, no edge
                entry, done = _take(lines, one, done, stop)
                entries.append(entry)
            found[key.value] = ParamSection(header, tuple(entries))
        return cls(found, tuple(lines[done:]))

    def render(self) -> str:
        """The text."""
        lines: list[str] = []
        for section in self.sections.values():
            for entry in (section.header, *section.entries):
                lines += [*entry.lead, *entry.body]
            lines += section.tail
        return "\n".join([*lines, *self.tail]) + "\n"


def _take(lines: list[str], key: Any, done: int, stop: int, is_section: bool = False) -> tuple[ParamEntry, int]:
    """The entry of a key, whose lead begins at line `done` and whose value ends before `stop`; and where it ends."""
    start, column = key.start_mark.line, key.start_mark.column
    end = stop
    if is_section:
        blank = [line for line in range(start + 1, stop) if not lines[line].strip()]
        end = blank[-1] + 1 if blank else start + 1
    else:
        while end > start + 1 and _belongs_to_next(lines[end - 1], column):
            end -= 1
    return ParamEntry(key.value, tuple(lines[done:start]), tuple(lines[start:end]), key.end_mark.column), end


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _belongs_to_next(line: str, column: int) -> bool:
    return not line.strip() or (_is_comment(line) and len(line) - len(line.lstrip()) <= column)
