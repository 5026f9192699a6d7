"""A params.yaml of an older version brought to this one: renamed, new and former keys; comments and values stay.

What changed is told in a line each. A value stays unless this version cannot mean the same by it: where the unit of its
key changed, or where it is no longer allowed, the default takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from pydantic import ValidationError

from flows.project_setup.params_text import ParamEntry, ParamSection, ParamsText
from tasks.errors import BadParams
from tasks.params import Params
from tasks.yaml_values import read_yaml

RESCALED = {
    "track": {
        "max_gap": "frames, and its successor seconds",
        "link_gap": "frames, and its successor seconds",
        "link_max_gap": "frames, and its successor seconds",
        "link_window": "frames, and its successor seconds",
        "smoothing": "frames, and its successor seconds",
    }
}
"""Section and former key to the unit of its values, where that of its successor is another."""
UNUSED = "no longer used"


@dataclass(frozen=True)
class UpgradedParams:
    """The new text, and what changed."""

    text: str
    notes: tuple[str, ...]
    others: tuple[str, ...]
    """Values of the user's that differ from this version's defaults."""


@dataclass
class _Upgrade:
    """One section under way."""

    name: str
    kind: type[Params]
    default: ParamSection
    notes: list[str]
    entries: list[ParamEntry] = field(default_factory=list[ParamEntry])
    carried: list[str] = field(default_factory=list[str])
    """Comments in place of keys, which the next entry takes along."""

    def take(self, entry: ParamEntry, present: frozenset[str]) -> None:
        """Keep, rename or comment out one entry."""
        successor = self.kind.RENAMED.get(entry.name, "")
        if entry.name in self.kind.model_fields:
            self._add(entry)
        elif not successor or successor in present:
            self.carried += entry.comment_out(UNUSED)
            self.notes.append(f"{self.name}.{entry.name} is {UNUSED}: {entry.value} became a comment")
        elif unit := RESCALED.get(self.name, {}).get(entry.name):
            new = _find(self.default, successor)
            self._add(entry.replace_value(new))
            self.notes.append(
                f"{self.name}.{entry.name} counted {unit}: {entry.value} was replaced by {successor}: {new.value}"
            )
        else:
            self._add(entry.rename(successor))
            self.notes.append(f"{self.name}.{entry.name} is named {successor} now: {entry.value} stays")

    def add_new(self) -> None:
        """Insert the keys that are missing, each behind its predecessor, with their comments."""
        names = [entry.name for entry in self.default.entries]
        for position, name in enumerate(names):
            if all(entry.name != name for entry in self.entries):
                before = set(names[:position])
                place = max((i + 1 for i, entry in enumerate(self.entries) if entry.name in before), default=0)
                self.entries.insert(place, _find(self.default, name))
                self.notes.append(f"{self.name}.{name} is new: {_find(self.default, name).value}")

    def replace_invalid(self) -> None:
        """Put defaults in place of values that are not allowed any more."""
        for name in _list_invalid(self.kind, self.entries):
            index = next(i for i, entry in enumerate(self.entries) if entry.name == name)
            old, new = self.entries[index], _find(self.default, name)
            self.entries[index] = old.replace_value(new)
            self.notes.append(f"{self.name}.{name} cannot be {old.value} now: replaced by {new.value}, the default")

    def _add(self, entry: ParamEntry) -> None:
        self.entries.append(replace(entry, lead=(*self.carried, *entry.lead)))
        self.carried = []


def upgrade_params(text: str, defaults: str, sections: Mapping[str, type[Params]], shown: str) -> UpgradedParams:
    """The text of a params.yaml with the keys of `sections`, new ones from the text `defaults`.

    `shown` is the file's name in messages. Raises BadParams where it is no params.yaml.
    """
    read_yaml(text, shown)  # names what is no plain YAML
    old, default = ParamsText.parse(text, shown), ParamsText.parse(defaults, "the defaults")
    notes: list[str] = []
    found: dict[str, ParamSection] = {}
    dropped: list[str] = []
    for name, section in old.sections.items():
        if name in sections:
            found[name] = _upgrade_section(
                section, _Upgrade(name, sections[name], default.sections[name], notes), dropped
            )
            dropped = []
        else:
            notes.append(f"the section {name} is {UNUSED}: it became a comment")
            dropped += _comment_section(section)
    tail = (*dropped, *old.tail)
    for name in sections:
        if name not in found:
            notes.append(f"the section {name} is new")
            found = _insert_section(found, default, name)
    new = ParamsText(found, tail)
    result = new.render()
    _check(result, sections, shown)
    return UpgradedParams(result, tuple(notes), tuple(_list_others(new, default)))


def _upgrade_section(section: ParamSection, upgrade: _Upgrade, dropped: list[str]) -> ParamSection:
    present = frozenset(entry.name for entry in section.entries)
    for entry in section.entries:
        upgrade.take(entry, present)
    upgrade.add_new()
    upgrade.replace_invalid()
    header = section.header
    if upgrade.entries and header.body[0][header.key_end + 1 :].strip() == "{}":
        header = replace(header, body=(header.body[0][: header.key_end + 1], *header.body[1:]))
    header = replace(header, lead=(*dropped, *header.lead))
    return ParamSection(header, tuple(upgrade.entries), tuple(upgrade.carried))


def _comment_section(section: ParamSection) -> list[str]:
    lines = [*section.header.comment_out(UNUSED)]
    for entry in section.entries:
        lines += [f"# {line}" for line in (*entry.lead, *entry.body) if line.strip()]
    return lines


def _insert_section(found: dict[str, ParamSection], default: ParamsText, name: str) -> dict[str, ParamSection]:
    """The sections with one of the defaults behind those that stand before it there."""
    names = list(default.sections)
    before = set(names[: names.index(name)])
    place = max((i + 1 for i, other in enumerate(found) if other in before), default=0)
    items = list(found.items())
    return dict([*items[:place], (name, default.sections[name]), *items[place:]])


def _find(section: ParamSection, name: str) -> ParamEntry:
    return next(entry for entry in section.entries if entry.name == name)


def _list_invalid(kind: type[Params], entries: list[ParamEntry]) -> list[str]:
    values: dict[str, Any] = {}
    for entry in entries:
        values |= yaml.safe_load("\n".join(entry.body))
    try:
        kind.model_validate_json(json.dumps(values))
    except ValidationError as error:
        return list(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"]))
    return []


def _check(text: str, sections: Mapping[str, type[Params]], shown: str) -> None:
    """Raise BadParams where a section as a whole is not valid, which no default mends."""
    values = yaml.safe_load(text)
    for name, kind in sections.items():
        try:
            kind.model_validate_json(json.dumps(values[name] or {}))
        except ValidationError as error:
            words = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise BadParams(f"{shown}: {name}: {words}; mend these values, then call `semflow upgrade` again") from None


def _list_others(new: ParamsText, default: ParamsText) -> list[str]:
    found: list[str] = []
    for name, section in new.sections.items():
        for entry in section.entries:
            usual = _find(default.sections[name], entry.name)
            if yaml.safe_load("\n".join(entry.body)) != yaml.safe_load("\n".join(usual.body)):
                found.append(f"{name}.{entry.name}: {entry.value} (default {usual.value})")
    return found
