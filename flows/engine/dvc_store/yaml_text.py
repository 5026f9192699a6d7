"""Read and write YAML 1.2 as DVC does with ruamel.yaml, but faster.

DVC reads `on` and `12:30` as text and `1e-5` as a number; PyYAML, which is YAML 1.1, does the opposite. So the C parser
of PyYAML is used with the resolver of ruamel.yaml 0.18. Writing has a fast path for the values that lock files usually
contain; others (spaces at ends, other alphabets, long lines, dates) are written by ruamel.yaml itself, so the bytes are
always those of DVC.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

import yaml

from tasks.errors import SemflowError

WIDTH = 80
"""Column from which ruamel.yaml folds."""

_RESOLVERS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    (
        "float",
        re.compile(
            r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
            |[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)
            |[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?
            |[-+]?\.(?:inf|Inf|INF)
            |\.(?:nan|NaN|NAN))$""",
            re.VERBOSE,
        ),
        "-+0123456789.",
    ),
    (
        "int",
        re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+)$"),
        "-+0123456789",
    ),
    ("merge", re.compile(r"^(?:<<)$"), "<"),
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN"),
    (
        "timestamp",
        re.compile(
            r"""^(?:[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]
            |[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?
            (?:[Tt]|[ \t]+)[0-9][0-9]?
            :[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?
            (?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$""",
            re.VERBOSE,
        ),
        "0123456789",
    ),
)

_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./+=@~-]|(?<=[\w/]) (?=[\w/-]))*", re.ASCII)
"""Texts that need no quotes at any position, unless the resolver reads them as another type."""

_HASH = re.compile(r"[0-9a-f]{32}(?:\.dir)?")


class _Unusual(Exception):
    """A value that the fast path cannot write."""


class _Loader(yaml.CSafeLoader):
    """The C parser with the scalar types of YAML 1.2; a duplicate key is an error, as in DVC."""

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - PyYAML's own attribute

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} occurs twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _construct_int(loader: Any, node: Any) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    for prefix, base in (("0b", 2), ("0x", 16), ("0o", 8)):
        if text.startswith(prefix):
            return sign * int(text[2:], base)
    return sign * int(text)  # a leading zero means nothing in YAML 1.2


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, [*_first, *([""] if _tag == "null" else [])])
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


def parse_yaml(text: str, name: str, remedy: str) -> tuple[Any, Any]:
    """The value of `text` and its syntax tree (yaml.Node, None if empty); `name` and `remedy` are used in errors.

    Raises SemflowError with file and line where the text is damaged; merge conflicts have a message of their own.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ", "||||||| ")) or line == "=======":
            raise SemflowError(f"{name}:{number} must be YAML, got a merge conflict; {remedy}")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return (None, None) if node is None else (loader.construct_document(node), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        raise SemflowError(f"{where} must be YAML, got {error.problem or error.context}; {remedy}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SemflowError(f"{name} must be YAML, got {str(error).splitlines()[0]}; {remedy}") from None
    finally:
        loader.dispose()


def render_mapping(data: Mapping[str, Any], indent: int = 0) -> str:
    """`data` as DVC writes it at that indentation (an even number of spaces)."""
    lines: list[str] = []
    try:
        _add_mapping(lines, data, indent)
    except _Unusual:
        return _render_slowly(data, indent)
    return "".join(f"{line}\n" for line in lines)


def _add_mapping(lines: list[str], data: Mapping[str, Any], indent: int, first: str = "") -> None:
    """Append the lines of a mapping; `first` replaces the first line's indentation (for a mapping inside a list)."""
    margin = " " * indent
    for number, (key, value) in enumerate(data.items()):
        head = f"{(first if first and not number else margin)}{_scalar(key, 0)}:"
        if isinstance(value, Mapping) and value:
            lines.append(head)
            _add_mapping(lines, value, indent + 2)
        elif isinstance(value, list) and value:
            lines.append(head)
            _add_list(lines, value, indent, margin)
        elif value is None:
            lines.append(head)
        else:
            lines.append(f"{head} {_scalar(value, len(head) + 1)}")


def _add_list(lines: list[str], values: list[Any], indent: int, first: str) -> None:
    margin = " " * indent
    for number, value in enumerate(values):
        head = f"{first if not number else margin}- "
        if isinstance(value, Mapping) and value:
            _add_mapping(lines, value, indent + 2, head)
        elif isinstance(value, list) and value:
            _add_list(lines, value, indent + 2, head)
        else:
            lines.append(head if value is None else f"{head}{_scalar(value, len(head))}")


def _scalar(value: Any, column: int) -> str:
    if isinstance(value, str):
        return _word(value, column)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if value in ({}, []):
        return repr(value)
    raise _Unusual


def _word(value: str, column: int) -> str:
    if column + len(value) < WIDTH:
        if _HASH.fullmatch(value):
            return f"'{value}'" if _is_number(value) else value
        if _PLAIN.fullmatch(value) and not _is_number(value):
            return value
    raise _Unusual


def _is_number(text: str) -> bool:
    """Whether plain `text` would be read as a type other than text."""
    return any(text[0] in first and pattern.match(text) for _, pattern, first in _RESOLVERS)


def _render_slowly(data: Mapping[str, Any], indent: int) -> str:
    import io

    from ruamel.yaml import YAML  # as used by DVC

    writer = YAML()
    writer.default_flow_style = False
    nested: Any = _unshare(data)
    for _ in range(indent // 2):
        nested = {"x": nested}
    stream = io.StringIO()
    writer.dump(nested, stream)
    return "".join(stream.getvalue().splitlines(keepends=True)[indent // 2 :])


def _unshare(value: Any) -> Any:
    """A copy in which no list or mapping object occurs twice, since ruamel.yaml would write an alias."""
    if isinstance(value, Mapping):
        return {key: _unshare(item) for key, item in value.items()}
    return [_unshare(item) for item in value] if isinstance(value, list | tuple) else value
