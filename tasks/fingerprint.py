"""Fingerprints of code: a module and all it imports inside the project, comments and docstrings left out.

The closure is read from import statements, also those inside functions. The engine itself (the decorator, recipes,
weights' catalogue) is left out: it moves artifacts and does not make them; weights enter a recipe by their SHA-256.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from tasks.errors import SemflowError

PACKAGES = ("tasks", "flows")
PYTHON = (".py", ".pyc", ".pyi")
ENGINE = (
    "tasks.artifacts.artifact",
    "tasks.artifacts.raw_video",
    "tasks.checkpoints",
    "tasks.content",
    "tasks.device",
    "tasks.device_class",
    "tasks.errors",
    "tasks.fingerprint",
    "tasks.params",
    "tasks.progress",
    "tasks.recipe",
    "tasks.stage",
    "tasks.threads",
    "tasks.weights",
)
SAME = {
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime-gpu",),
}
"""Distributions that carry the same code under another name."""


@cache
def fingerprint(module: str) -> Mapping[str, str]:
    """Name to a hash, for `module`, all it imports inside the project, and the other files in their folders."""
    modules = {name: _hash(source(name)) for name in closure(module)}
    return modules | {path.name: _bytes_hash(path) for path in resources(module)}


@cache
def resources(module: str) -> tuple[Path, ...]:
    """Files that are not Python beside the modules of the closure: templates and the like, sorted."""
    folders = {source(name).parent for name in closure(module) if _inside(name)}
    return tuple(sorted(p for folder in folders for p in folder.iterdir() if p.is_file() and p.suffix not in PYTHON))


@cache
def closure(module: str, engine: bool = False) -> tuple[str, ...]:
    """Names of `module` and what it imports inside the project, sorted; with `engine`, the engine's modules too."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or (not engine and _is_engine(name)):
            continue
        found.add(name)
        waiting += _imports(name)
    return tuple(sorted(found))


@cache
def source(module: str) -> Path:
    """The file behind `module`."""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if file is None:
        spec = importlib.util.find_spec(module)
        file = spec.origin if spec else None
    if file is None:
        raise SemflowError(f"module {module} must have a source file, got none; stages are fingerprinted by their code")
    return Path(file)


@cache
def library_version(name: str) -> str:
    """Version of an installed distribution without its build tag, so that +cpu and +cu130 builds share a recipe."""
    for candidate in (name, *SAME.get(name, ())):
        try:
            return metadata.version(candidate).split("+")[0]
        except metadata.PackageNotFoundError:
            continue
    raise SemflowError(f"{name} must be installed, got none; run `make` to install the pinned packages")


def _is_engine(name: str) -> bool:
    return any(name == part or name.startswith(part + ".") for part in ENGINE)


@cache
def _imports(module: str) -> tuple[str, ...]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if _inside(alias.name)}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and _inside(node.module):
            # `from tasks.track import kalman` names a module; `from tasks.track.kalman import predict` does not.
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {node.module} | {name for name in submodules if _exists(name)}
    return tuple(sorted(found))


def _inside(name: str) -> bool:
    return name.partition(".")[0] in PACKAGES


def _exists(module: str) -> bool:
    package, _, leaf = module.rpartition(".")
    init = source(package)
    return init.name == "__init__.py" and (
        (init.parent / f"{leaf}.py").is_file() or (init.parent / leaf / "__init__.py").is_file()
    )


@cache
def _hash(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return hashlib.md5(ast.dump(tree).encode(), usedforsecurity=False).hexdigest()[:16]


def _bytes_hash(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()[:16]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
