"""What files of code say, remembered in the project's state: reading some 400 files anew takes over a second."""

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
    """Serves tasks.source_cache.SourceCache from the state; written once at the end."""

    state: State
    _known: dict[str, list[str]] | None = None
    _new: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def get(self, path: str, mark: str) -> str | None:
        """What was read from the file while it had this mark."""
        if self._known is None:
            self._known = self.state.read_memos(CODE_MEMO)
        found = self._known.get(path)
        return found[1] if found is not None and found[0] == mark else None

    def put(self, path: str, mark: str, text: str) -> None:
        """Note what was read from the file."""
        self._new[path] = [mark, text]

    def save(self) -> None:
        """Write what was noted."""
        self.state.save_memos(CODE_MEMO, self._new)
        self._new.clear()


def remember_definitions(state: State, code: Iterable[Mapping[str, str]]) -> None:
    """Note the definitions of every module in the fingerprints `code` that is not known yet."""
    from tasks.fingerprint import hash_definitions

    wanted = {(name, found) for fingerprint in code for name, found in fingerprint.items() if "/" not in name}
    known = state.read_memos(DEFINITIONS_MEMO)
    new = {f"{name}@{found}": dict(hash_definitions(name)) for name, found in wanted if f"{name}@{found}" not in known}
    state.save_memos(DEFINITIONS_MEMO, new)


def explain_code(state: State, module: str, old: str | None, new: str | None) -> str:
    """Which definitions of `module` changed between two of its hashes, as far as they are known here."""
    from tasks.source_code import describe_code_changes

    before, after = (None if h is None else state.read_memo(f"{DEFINITIONS_MEMO}{module}@{h}") for h in (old, new))
    return describe_code_changes(module, before, after)
