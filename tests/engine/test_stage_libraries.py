"""A stage declares every distribution whose version can change its bytes."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest

from flows.pipeline import STAGES
from tasks.fingerprint import EQUIVALENT_DISTRIBUTIONS, find_import_closure, find_source_file
from tasks.source_code import list_own_packages
from tasks.stage import Stage

FETCHES = "fetches the bytes of a film at an address, whose MD5 is in the recipe"
EXEMPT = {
    "botocore": FETCHES,
    "cachetools": "keeps values in memory, and changes none",
    "fsspec": FETCHES,
    "pydantic": "checks parameters, whose values are in the recipe themselves",
    "requests": FETCHES,
}
"""Distributions that cannot change a byte, and why."""
DECLARED_NAMES = {other: name for name, others in EQUIVALENT_DISTRIBUTIONS.items() for other in others}
"""Another name of the same code to the one that stages declare."""
BEHIND = {"ultralytics": ("onnx", "torch", "torchvision")}
"""Libraries that another library imports on use: ultralytics exports with torch, and torch with onnx."""


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_declares_what_its_code_imports(stage: Stage) -> None:
    missing = imported(stage.module) - set(map(normalised, stage.libraries)) - set(EXEMPT)
    assert missing == set(), f"@stage(libraries=...) of {stage.name} must name them, or EXEMPT say why not"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_declares_no_more_than_that(stage: Stage) -> None:
    assert set(map(normalised, stage.libraries)) - imported(stage.module) == set()


def test_imports_inside_functions_and_by_name_are_seen_and_those_for_types_are_not() -> None:
    program = """
import json
import numpy as np
from tasks import stage
if TYPE_CHECKING:
    import pandas as pd
def f():
    from cv2 import resize
    importlib.import_module("ultralytics")
    import PIL.Image
"""
    assert set(roots(ast.parse(program))) == {"json", "numpy", "tasks", "cv2", "ultralytics", "PIL"}


def imported(module: str) -> set[str]:
    """The distributions that the code of `module` and all it imports inside the project imports."""
    distributions = metadata.packages_distributions()
    names = {
        root
        for name in find_import_closure(module)
        for root in roots(ast.parse(find_source_file(name).read_text(encoding="utf-8")))
    }
    foreign = names - set(sys.stdlib_module_names) - set(list_own_packages())
    installed = {normalised(distribution) for name in foreign for distribution in distributions[name]}
    found = {DECLARED_NAMES.get(name, name) for name in installed}
    return found | {behind for name in found for behind in BEHIND.get(name, ())}


def roots(node: ast.AST) -> Iterator[str]:
    """Top-level packages that are imported in `node`, also inside functions, but not for type checkers alone."""
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
        yield node.module.partition(".")[0]
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module") and node.args:
        (name, *_) = node.args
        if isinstance(name, ast.Constant):
            yield str(name.value).partition(".")[0]
    for child in ast.iter_child_nodes(node):
        yield from roots(child)


def normalised(distribution: str) -> str:
    """A distribution's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
