"""Fingerprints of code: a module, all it imports inside the project, and the data files beside them.

Imports are those that `tasks/source_code.py` sees; a package's `__init__.py` is imported with every module below it.
Data are the files that `tasks/data_files.py` tells from strays. The engine itself (the decorator, recipes, catalogue of
weights) is left out: it moves artifacts and does not make them; weights enter a recipe by their SHA-256. A file is
read once per process: what runs is what was imported.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from tasks import source_code
from tasks.data_files import list_data_files
from tasks.errors import SemflowError
from tasks.source_cache import hash_data_file, read_source_code

ENGINE_MODULES = (
    "tasks.artifacts.artifact",
    "tasks.artifacts.raw_video",
    "tasks.atomic_file",
    "tasks.checkpoints",
    "tasks.source_cache",
    "tasks.content_hash",
    "tasks.data_files",
    "tasks.device",
    "tasks.device_class",
    "tasks.errors",
    "tasks.fingerprint",
    "tasks.params",
    "tasks.progress",
    "tasks.checksummed_file",
    "tasks.source_code",
    "tasks.stage",
    "tasks.syntax",
    "tasks.threads",
    "tasks.weights",
    "tasks.yaml_values",
)
EQUIVALENT_DISTRIBUTIONS = {
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "onnxruntime": ("onnxruntime-gpu",),
}
"""Distributions that carry the same code under another name."""
_reading = threading.RLock()


@cache
def fingerprint_module(module: str) -> Mapping[str, str]:
    """Name to a hash: for `module` and all it imports inside the project by module, for data files by their path.

    A module that does nothing, like an empty `__init__.py`, is left out.
    """
    with _reading:
        code = {name: read_source_code(find_source_file(name)).hash for name in find_import_closure(module)}
        data = {_address(path): hash_data_file(path) for path in list_resources(module)}
    return {name: found for name, found in code.items() if found} | data


@cache
def hash_definitions(module: str) -> Mapping[str, str]:
    """Top-level function, class or assignment of `module` to a hash of its code; see source_code.REST and ORDER.

    The module's entry in a fingerprint follows from these, so they may be kept under that hash.
    """
    with _reading:
        return read_source_code(find_source_file(module)).definitions or {}


@cache
def list_resources(module: str) -> tuple[Path, ...]:
    """The data files of the packages that the closure passes through: templates, tables, fonts; sorted."""
    folders = {find_source_file(name).parent for name in find_import_closure(module) if source_code.is_own_module(name)}
    return tuple(sorted({path for folder in folders for path in _data_files(folder)}))


@cache
def find_import_closure(module: str, engine: bool = False) -> tuple[str, ...]:
    """Names of `module` and what it imports inside the project, sorted; with `engine`, the engine's modules too."""
    found: set[str] = set()
    waiting = [module, *_modules_of(module)]
    while waiting:
        name = waiting.pop()
        if name in found or (not engine and _is_engine(name)):
            continue
        found.add(name)
        waiting += _imports(name)
    return tuple(sorted(found))


@cache
def find_source_file(module: str) -> Path:
    """The file behind `module`."""
    place = _place(module) if source_code.is_own_module(module) else None
    if place is not None and place.suffix == ".py":
        return place
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        spec = importlib.util.find_spec(module)
        file = spec.origin if spec else None
    if file is None:
        raise SemflowError(f"module {module} must have a source file, got none; stages are fingerprinted by their code")
    return Path(file)


@cache
def library_version(name: str) -> str:
    """Version of an installed distribution without its build tag, so that +cpu and +cu130 builds share a recipe."""
    for candidate in (name, *EQUIVALENT_DISTRIBUTIONS.get(name, ())):
        try:
            return metadata.version(candidate).split("+")[0]
        except metadata.PackageNotFoundError:
            continue
    raise SemflowError(f"{name} must be installed, got none; run `make` to install the pinned packages")


def clear_caches() -> None:
    """Read all code anew when next asked: for tests, which change it."""
    for cached in (
        fingerprint_module,
        hash_definitions,
        list_resources,
        find_import_closure,
        find_source_file,
        _imports,
        _place,
        _data_files,
    ):
        cached.cache_clear()


_data_files = cache(list_data_files)


def _is_engine(name: str) -> bool:
    return any(name == part or name.startswith(part + ".") for part in ENGINE_MODULES)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of the project that the code of `module` names, and the packages above them."""
    with _reading:
        named = read_source_code(find_source_file(module)).imports
    return tuple({name: None for dotted in named for name in _modules_of(_absolute(dotted, module))})


def _absolute(dotted: str, module: str) -> str:
    """A name as it is for everybody; "" where its dots lead out of all packages."""
    name = dotted.lstrip(".")
    if name == dotted:
        return name
    parts = module.split(".") if find_source_file(module).name == "__init__.py" else module.split(".")[:-1]
    up = len(dotted) - len(name) - 1
    return ".".join([*parts[: len(parts) - up], name]) if up < len(parts) else ""


def _modules_of(dotted: str) -> Iterator[str]:
    """The modules that lie on the way to a dotted name; `tasks.track.*` leads to all in that package."""
    if not source_code.is_own_module(dotted):
        return
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        place = _place(name)
        if place is None:
            if parts[count - 1] == "*":
                yield from _children(".".join(parts[: count - 1]))
            return
        if place.suffix == ".py":
            yield name


def _children(package: str) -> Iterator[str]:
    place = _place(package)
    if place is not None and place.name == "__init__.py":
        yield from (f"{package}.{path.stem}" for path in place.parent.glob("*.py") if path != place)


@cache
def _place(name: str) -> Path | None:
    """The file of a module or package, found without importing it; the folder of a package that has no file."""
    package, _, leaf = name.rpartition(".")
    if not package:
        return _top(name)
    above = _place(package)
    if above is None or (above.suffix == ".py" and above.name != "__init__.py"):
        return None
    folder = _folder(above) / leaf
    files = [path for path in (folder / "__init__.py", folder.with_name(f"{leaf}.py")) if path.is_file()]
    return files[0] if files else folder if folder.is_dir() else None


def _folder(place: Path) -> Path:
    return place.parent if place.suffix == ".py" else place


def _top(package: str) -> Path | None:
    loaded = getattr(sys.modules.get(package), "__file__", None)
    if loaded is not None:
        return Path(loaded)
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    return Path(spec.origin) if spec.origin else Path(next(iter(spec.submodule_search_locations or [""])))


def _address(path: Path) -> str:
    """The path of a data file from the folder that holds its top package."""
    for package in source_code.list_own_packages():
        top = _place(package)
        if top is not None and path.is_relative_to(_folder(top)):
            return path.relative_to(_folder(top).parent).as_posix()
    return path.name
