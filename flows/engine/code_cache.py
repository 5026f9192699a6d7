"""A cache of parsed source files in the project's state: parsing some 400 files takes over a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flows.engine.state import State

CODE_MEMO = "code:"
"""Memos: a file's path to its mark and what was read from it."""
DEFINITIONS_MEMO = "definitions:"
"""Memos: module and hash to the definitions in it, so that `semflow why` can name the one that changed."""


@dataclass
class StateCodeCache:
    """Implements tasks.source_cache.SourceCache with the state database; new entries are written by `save`."""

    state: State
    _known: dict[str, list[str]] | None = None
    _new: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def get(self, path: str, mark: str) -> str | None:
        """The entry of the file at `path` with this mark, or None."""
        if self._known is None:
            self._known = self.state.read_memos(CODE_MEMO)
        found = self._known.get(path)
        return found[1] if found is not None and found[0] == mark else None

    def put(self, path: str, mark: str, text: str) -> None:
        """Add the entry of a file."""
        self._new[path] = [mark, text]

    def save(self) -> None:
        """Write the new entries to the state."""
        self.state.save_memos(CODE_MEMO, self._new)
        self._new.clear()


def remember_definitions(state: State, code: Iterable[Mapping[str, str]]) -> None:
    """Save the hashes of the definitions of every module in the fingerprints `code` that is not saved yet."""
    from tasks.fingerprint import hash_definitions

    wanted = {(name, found) for fingerprint in code for name, found in fingerprint.items() if "/" not in name}
    known = state.read_memos(DEFINITIONS_MEMO)
    new = {f"{name}@{found}": dict(hash_definitions(name)) for name, found in wanted if f"{name}@{found}" not in known}
    state.save_memos(DEFINITIONS_MEMO, new)


def explain_code(state: State, module: str, old: str | None, new: str | None) -> str:
    """Text that names the definitions of `module` that differ between two of its hashes, as far as they are saved."""
    from tasks.source_code import describe_code_changes

    before, after = (None if h is None else state.read_memo(f"{DEFINITIONS_MEMO}{module}@{h}") for h in (old, new))
    return describe_code_changes(module, before, after)
