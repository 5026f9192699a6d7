"""Which Python packages a machine lacks, and their files as one small archive."""

from __future__ import annotations

import io
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType

PYTHON = "3.12"
PLATFORM = "x86_64-manylinux_2_28"
CONSTRAINTS = Path("constraints.txt")
PRESENT_FILE = Path(__file__).with_name("present_packages.txt")
NOT_NEEDED: Mapping[str, str] = MappingProxyType(
    {
        "prefect": "shows a run; without it `semflow run` only warns",
        "fastapi": "Prefect's server",
        "sqlalchemy": "Prefect's server",
        "dvc": "records results; without a DVC repository `semflow run` computes the same",
        "pycocotools": "evaluation suites",
        "trackeval": "evaluation suites",
        "polars": "ultralytics reads results of a training with it",
        "polars-runtime-32": "part of polars",
    }
)
"""Runtime dependencies that the check does without, and why."""
DROPPED = ("*.pyx", "*.pxd", "*.pyi", "*.pyc", "include", "tests", "__pycache__", "bin")
"""Files and folders of packages that nothing imports."""
TEXT_ENCODING = "utf-8"
XZ_FILTERS = ({"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6})
"""The filter for jumps in machine code saves 1 % of the archive; a higher preset 1 % more, at twice the time."""


def read_present(path: Path = PRESENT_FILE) -> list[str]:
    """Patterns of the packages that the machine has, one a line; # begins a comment."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding=TEXT_ENCODING).splitlines())
    return [line for line in lines if line]


def list_requirements(pyproject: Path) -> list[str]:
    """The runtime requirements of the project that the check needs."""
    wanted: list[str] = tomllib.loads(pyproject.read_text(encoding=TEXT_ENCODING))["project"]["dependencies"]
    return [line for line in wanted if normalize_name(line) not in NOT_NEEDED]


def normalize_name(requirement: str) -> str:
    """The name of a requirement as registries compare it: lower case, runs of -, _ and . as one -."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>!~ ;]", requirement, maxsplit=1)[0]).lower()


def select_missing(pinned: Iterable[str], present: Iterable[str]) -> list[str]:
    """Those of `pinned` (name==version) that match no pattern of `present` and are needed."""
    patterns = list(present)
    return [
        line
        for line in pinned
        if (name := normalize_name(line)) not in NOT_NEEDED and not any(fnmatch(name, one) for one in patterns)
    ]


def resolve_closure(requirements: Iterable[str], uv: Path) -> list[str]:
    """`requirements` and all that they need on PYTHON and PLATFORM, as name==version by constraints.txt."""
    command = [uv, "pip", "compile", "-", "--python-version", PYTHON, "--python-platform", PLATFORM,
               "--constraint", CONSTRAINTS, "--no-header", "--no-annotate", "--quiet"]  # fmt: skip
    found = subprocess.run(command, input="\n".join(requirements), text=True, stdout=subprocess.PIPE, check=True)
    return found.stdout.split()


def install_packages(pinned: Iterable[str], target: Path, uv: Path) -> None:
    """Unpack the wheels of `pinned` into `target`; RuntimeError where uv cannot."""
    command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--python-version", PYTHON,
               "--python-platform", PLATFORM, "--only-binary", ":all:", "--no-deps", "--target", target,
               *pinned]  # fmt: skip
    if code := subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"uv must install packages into {target}, got exit code {code}; see its output above")


def prune_packages(folder: Path) -> None:
    """Remove what is never imported, and the debug symbols of extension modules.

    Shared libraries beside them (`*.libs`) are stripped already, and stripping breaks their patched headers.
    """
    for pattern in DROPPED:
        for path in sorted(folder.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    strip = shutil.which("strip")
    modules = [path for path in folder.rglob("*.so") if not path.parent.name.endswith(".libs")]
    if strip and modules:
        subprocess.run([strip, "--strip-unneeded", *modules], check=True)


def write_archive(folder: Path, target: Path) -> None:
    """One solid archive of `folder` with equal bytes for equal files: sorted, without owners and times."""
    with (
        lzma.open(target, "wb", filters=list(XZ_FILTERS)) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                entry = tarfile.TarInfo(str(path.relative_to(folder)))
                entry.size, entry.mode = len(data), 0o644
                archive.addfile(entry, io.BytesIO(data))
