"""What one Python file says, from one parse: what it imports, and a hash of each thing that it defines.

Comments, docstrings and layout do not count. Of a file the hash of every top-level function, class and assignment is
kept, so that a change can be named; the hash of the file is made of these. Imports count wherever they stand: also
inside functions, relative ones, `tasks.x.y` reached as an attribute, and a constant text that is a module's name,
wherever it stands: `import_module("tasks.x")`, `__import__("tasks.x")`, `files("tasks.x")`, a table of such names. One
that is put together at run time cannot be seen; a test holds the stages to constant ones.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from tasks.syntax import parse_python

PACKAGES = ("tasks", "flows")
"""What is the project's own: imports of anything else are not followed."""
_added: set[str] = set()
REST = "<module>"
"""Statements that define nothing: imports, conditions, calls."""
ORDER = "<order>"
"""The order in which a module's names come."""
RELATIVE = re.compile(r"\.+\w+(?:\.\w+)*")
"""A module's name beside the caller's, as the first argument of `import_module`."""
IGNORED_FIELDS = ("ctx", "kind", "type_comment")
"""Fields of a syntax tree that follow from others, or that change nothing."""
MAX_NAMED = 4
HASH_DIGITS, DEFINITION_DIGITS = 16, 12
Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceCode:
    """What counts of a file."""

    hash: str
    """Of all definitions; "" where the file does nothing."""
    imports: tuple[str, ...] = ()
    """Dotted names that may be modules or things in them: `tasks.track.kalman_filter.predict`, relative ones with their
    dots, `tasks.track.*` for all in it; sorted."""
    definitions: Mapping[str, str] | None = None
    """Top-level name to the hash of its code, REST and ORDER beside them; None for a file that is no Python."""

    def to_text(self) -> str:
        """As JSON, for a memo."""
        return json.dumps([self.hash, self.imports, self.definitions and dict(self.definitions)])

    @classmethod
    def from_text(cls, text: str) -> SourceCode | None:
        """What `to_text` wrote, or None where the text is something else."""
        try:
            found, imports, definitions = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            return None
        named = [*definitions, *definitions.values()] if isinstance(definitions, dict) else []
        if not isinstance(imports, list) or not isinstance(definitions, dict | None):
            return None
        if not all(isinstance(part, str) for part in (found, *imports, *named)):
            return None
        return cls(found, tuple(imports), definitions)


def parse_source(source: bytes) -> SourceCode:
    """What the Python file of these bytes says; SyntaxError or ValueError where it is no Python."""
    reached = _Reached()
    parts: dict[str, list[str]] = {}
    order: list[str] = []
    for statement in _statements(parse_python(source)):
        text = _text(statement, reached)
        for name in _defined(statement) or (REST,):
            parts.setdefault(name, []).append(text)
            order.append(name)
    if not parts:
        return SourceCode("", (), {})
    definitions = {name: short_hash("\n".join(texts), DEFINITION_DIGITS) for name, texts in parts.items()}
    definitions[ORDER] = short_hash("\n".join(order), DEFINITION_DIGITS)
    return SourceCode(short_hash(json.dumps(definitions, sort_keys=True)), reached.names(), definitions)


def short_hash(content: str | bytes, digits: int = HASH_DIGITS) -> str:
    """The beginning of an MD5."""
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.md5(data, usedforsecurity=False).hexdigest()[:digits]


def add_own_package(package: str) -> None:
    """Take a top package for the project's own too: that of a user's stages. Before any of its code is read."""
    _added.add(package)


def list_own_packages() -> tuple[str, ...]:
    """The top packages that are the project's own."""
    return (*PACKAGES, *sorted(_added.difference(PACKAGES)))


def is_own_module(name: str) -> bool:
    """Whether a dotted name is the project's own."""
    package = name.partition(".")[0]
    return package in PACKAGES or package in _added


class _Reached:
    """What the code reaches by name, gathered on the way through its syntax tree."""

    def __init__(self) -> None:
        self._found: set[str] = set()
        self._bound: dict[str, set[str]] = {}
        """Local name to the dotted names that an import gave it."""
        self._attributes: set[str] = set()
        """Dotted names as they stand in the code."""

    def look(self, node: ast.AST) -> None:
        """Take note of an import, of a text that may name a module, of a call with one, or of an attribute."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                self._bind(alias.asname or name, name, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                name = base + alias.name if base.endswith(".") else f"{base}.{alias.name}"
                self._bind(alias.asname or alias.name, name, name)
        elif isinstance(node, ast.Attribute):
            if dotted := _dotted(node):
                self._attributes.add(dotted)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and "." in node.value and is_own_module(node.value):
                self._found.add(node.value)
        elif isinstance(node, ast.Call):
            self._found |= set(_relative_import(node))

    def names(self) -> tuple[str, ...]:
        """All that may be modules of the project."""
        for dotted in self._attributes:
            local, _, rest = dotted.partition(".")
            self._found |= {f"{name}.{rest}" for name in self._bound.get(local, ())}
        return tuple(sorted(name for name in self._found if name.startswith(".") or is_own_module(name)))

    def _bind(self, local: str, name: str, reached: str) -> None:
        self._found.add(reached)
        if name.startswith(".") or is_own_module(name):
            self._bound.setdefault(local, set()).add(name)


def _dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute of an attribute of a name; "" where it begins with anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _relative_import(call: ast.Call) -> Iterator[str]:
    """The constant relative name that a call begins with, made absolute where the package beside it is constant too."""
    given = [*call.args, *(word.value for word in call.keywords if word.arg in ("name", "package", "anchor"))]
    texts = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if not texts or not RELATIVE.fullmatch(texts[0]):
        return
    name = texts[0].lstrip(".")
    up = len(texts[0]) - len(name) - 1
    yield ".".join([*texts[1].split(".")[: -up or None], name]) if len(texts) > 1 else texts[0]


def _statements(scope: Scope) -> list[ast.stmt]:
    """The body without docstrings, and without the strings that describe an attribute."""
    return [part for part in scope.body if not _is_string(part)]


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement defines; none where it does more than that."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return _targets(statement.targets)
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return _targets([statement.target])
    return []


def _targets(targets: Iterable[ast.expr]) -> list[str]:
    found: list[str] = []
    for target in targets:
        if isinstance(target, ast.Name):
            found.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List) and (inside := _targets(target.elts)):
            found += inside
        else:
            return []
    return found


class _Mark(str):
    """Words that are written as they are, not as a constant."""

    __slots__ = ()


END, END_OF_LIST = _Mark(")"), _Mark("]")


def _text(root: ast.stmt, reached: _Reached) -> str:
    """The syntax tree in words, much as `ast.dump` has it but in half the time, whatever its depth."""
    parts: list[str] = []
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.AST):
            reached.look(node)
            parts.append(f"{type(node).__name__}(")
            waiting.append(END)
            body = _statements(node) if isinstance(node, Scope) else None
            waiting.extend(
                body if body is not None and name == "body" else getattr(node, name, None)
                for name in _fields(type(node))
            )
        elif isinstance(node, list):
            parts.append("[")
            waiting.append(END_OF_LIST)
            waiting.extend(reversed(cast("list[Any]", node)))
        else:
            parts.append(node if isinstance(node, _Mark) else f"{node!r},")
    return "".join(parts)


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """The last one first, as a stack wants them."""
    return tuple(name for name in reversed(kind._fields) if name not in IGNORED_FIELDS)


def describe_code_changes(module: str, before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> str:
    """Which definitions of `module` differ, in words: "tasks.track.kalman_filter: predict changed"; "" where none does.

    The mappings are those of `fingerprint.definitions`; None where they are not known.
    """
    if before is None or after is None:
        return f"{module} changed"
    names = (before.keys() | after.keys()) - {ORDER}
    kinds = {
        "changed": [name for name in names if name in before and name in after and before[name] != after[name]],
        "new": [name for name in names - before.keys() if name != REST],
        "gone": [name for name in names - after.keys() if name != REST],
    }
    if (REST in before) != (REST in after):
        kinds["changed"].append(REST)
    words = [
        f"{_listed(found)} {kind if kind == 'changed' else ('are ' if len(found) > 1 else 'is ') + kind}"
        for kind, found in kinds.items()
        if found
    ]
    if not words and before.get(ORDER) != after.get(ORDER):
        words = ["the order of definitions changed"]
    return f"{module}: {'; '.join(words)}" if words else ""


def _listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, or `a, b, c and 4 more`; what has no name comes last, in words."""
    found = ["statements outside definitions" if name == REST else name for name in sorted(names, key=_rest_last)]
    shown = found if len(found) <= MAX_NAMED else [*found[: MAX_NAMED - 1], f"{len(found) - MAX_NAMED + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _rest_last(name: str) -> tuple[bool, str]:
    return name == REST, name
