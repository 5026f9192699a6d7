"""Measures of the code base: names, import circles, sizes. `python -m tests.repository.code_measures` prints them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks")
SHARED_MODULE_NAMES = ("__init__", "stage", "params")
"""What may stand in several packages: every stage has a `stage.py` and a `params.py`."""
_IRREGULAR = """
begun bought bound brought built caught chosen cut dealt done drawn driven eaten fallen felt forgotten found
given gone grown heard held hidden hit kept known laid learnt led left lent lost made meant met paid put read
said seen sent set shown shut sold split spoken spread stood stolen sung taken taught thought thrown told torn
understood won worn woven written
"""
IRREGULAR_PARTICIPLES = frozenset(_IRREGULAR.split())


@dataclass(frozen=True)
class Function:
    """A function or method definition."""

    module: str
    name: str
    owner: str
    """Its class; "" for a function of a module."""
    lines: int
    is_property: bool
    is_nested: bool

    @property
    def is_public(self) -> bool:
        """Whether callers outside its module or class may use it by its name."""
        return not (self.name.startswith("_") or self.owner.startswith("_") or self.is_nested)


@cache
def modules() -> dict[str, ast.Module]:
    """Module name to syntax tree."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {_module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def line_counts() -> dict[str, int]:
    """Module name to number of lines."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {_module_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


@cache
def functions() -> tuple[Function, ...]:
    """Every function and method."""
    return tuple(found for name, tree in modules().items() for found in _functions(name, tree, "", nested=False))


def one_word_share() -> float:
    """Share of public function and method names, properties and stages aside, that are a single word."""
    names = [function.name for function in functions() if function.is_public and not function.is_property]
    return sum("_" not in name for name in names) / len(names)


def participles() -> list[str]:
    """Public functions and methods, properties aside, whose name is a past participle without a noun."""
    return [
        f"{function.module}.{function.name}"
        for function in functions()
        if function.is_public and not function.is_property and _is_participle(function.name)
    ]


def repeated_classes() -> dict[str, list[str]]:
    """Public class names that stand in more than one module, with these modules."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    return {name: found for name, found in places.items() if len(found) > 1}


def repeated_modules() -> dict[str, list[str]]:
    """Module names that stand in more than one package, but those that every package may have."""
    places: dict[str, list[str]] = defaultdict(list)
    for name in modules():
        leaf = name.rpartition(".")[2]
        places[leaf].append(name)
    packages = {path.parent.name for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")}
    return {
        leaf: found
        for leaf, found in places.items()
        if len(found) > 1 and leaf not in SHARED_MODULE_NAMES and leaf not in packages
    }


def import_circles() -> list[list[str]]:
    """Groups of modules that import each other, directly or not, imports for type checking included."""
    graph = {name: sorted(_imports(name, tree)) for name, tree in modules().items()}
    return [sorted(group) for group in _components(graph) if len(group) > 1]


def _functions(module: str, node: ast.AST, owner: str, *, nested: bool) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = [ast.unparse(decorator) for decorator in child.decorator_list]
            lines = (child.end_lineno or child.lineno) - child.lineno + 1
            is_property = any("property" in name or name.endswith(".setter") for name in decorators)
            if not child.name.startswith("__"):
                yield Function(module, child.name, owner, lines, is_property, nested)
            yield from _functions(module, child, owner, nested=True)
        elif isinstance(child, ast.ClassDef):
            yield from _functions(module, child, child.name, nested=nested)
        else:
            yield from _functions(module, child, owner, nested=nested)


def _is_participle(name: str) -> bool:
    return "_" not in name and (
        name in IRREGULAR_PARTICIPLES or (name.endswith("ed") and name not in ("embed", "feed"))
    )


def _module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(name: str, tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {other for other in found if other in modules() and other != name}


def _components(graph: dict[str, list[str]]) -> list[list[str]]:
    """Strongly connected components (Tarjan, 1972)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in graph[name]:
            if other not in number:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], number[other])
        if low[name] == number[name]:
            group: list[str] = []
            while not group or group[-1] != name:
                group.append(stack.pop())
            found.append(group)

    for name in graph:
        if name not in number:
            visit(name)
    return found


def main() -> None:
    """Print every measure."""
    largest = max(line_counts().items(), key=lambda entry: entry[1])
    longest = max(functions(), key=lambda function: function.lines)
    public = [function for function in functions() if function.is_public and not function.is_property]
    print(f"one-word public function names: {one_word_share():.1%} of {len(public)}")
    print(f"past participles: {len(participles()) / len(public):.1%}")
    print(f"public class names in two modules: {len(repeated_classes())}")
    print(f"module names in two packages: {len(repeated_modules())}")
    print(f"import circles: {len(import_circles())}")
    print(f"largest file: {largest[1]} lines, {largest[0]}")
    print(f"largest function: {longest.lines} lines, {longest.module}.{longest.name}")


if __name__ == "__main__":
    main()
