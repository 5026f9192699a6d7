"""Documentation of a class as values: the docstrings of its fields."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Mapping


def read_field_docs(kind: type) -> Mapping[str, tuple[str, str]]:
    """Field name to its annotation and the string below it, in order; {} for fields without one."""
    found: dict[str, tuple[str, str]] = {}
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for field, text in itertools.pairwise(body):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            meaning = " ".join(text.value.value.split())
            found[field.target.id] = (ast.unparse(field.annotation), meaning)
    return found
