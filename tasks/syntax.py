"""Python's parser, one thread at a time.

CPython 3.11's `ast.parse` counts its depth in a place that all threads share. Where a garbage collection lets another
thread parse in between, it says "SystemError: AST constructor recursion depth mismatch" (python/cpython#106905). Others
may parse beside us (pandas, ultralytics), so a parse that fails that way is tried again.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R")
MAX_TRIES = 20
_parsing = threading.RLock()


def parse_python(source: bytes | str) -> ast.Module:
    """The syntax tree of `source`; SyntaxError or ValueError (NUL bytes) where it is no Python."""
    return _tried(lambda: ast.parse(source))


def parse_literal(text: str) -> Any:
    """The value of a Python literal, as `ast.literal_eval` gives it."""
    return _tried(lambda: ast.literal_eval(text))


def _tried(parse: Callable[[], R]) -> R:
    for _ in range(MAX_TRIES - 1):
        try:
            with _parsing:
                return parse()
        except SystemError:
            continue
    with _parsing:
        return parse()
