"""Files that stand in `dvc.yaml` for code outside the project: `fingerprints/<stage>.json`.

In a clone of semflow, DVC stages depend on the source files themselves. Where semflow is installed, these lie in a
folder that differs between machines, so the stage depends on a file with what decides its freshness in their place: the
hash of every module and data file, of its weights, and the versions of its libraries, as in its recipes. `semflow run`,
`semflow stage` and `semflow upgrade` keep the files up to date; git keeps them with `dvc.lock`.
"""

from __future__ import annotations

import json
from pathlib import Path

from flows.engine.declaration import Declaration
from flows.engine.project import Project
from tasks.atomic_file import write_text_atomically

FOLDER = "fingerprints"
PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})
"""Folders of installed packages: an environment may lie inside the project, its files are not the project's."""


def is_project_code(root: Path, path: Path) -> bool:
    """Whether a source file belongs to the project at `root`, and not to an environment inside it."""
    return path.is_relative_to(root) and PACKAGE_FOLDERS.isdisjoint(path.relative_to(root).parts)


def list_fingerprint_files(project: Project, declaration: Declaration) -> list[str]:
    """The file of the stage's fingerprint relative to the root; [] where all of its code lies in the project."""
    is_inside = all(is_project_code(project.root, Path(name)) for name in declaration.code_files)
    return [] if is_inside else [f"{FOLDER}/{declaration.name}.json"]


def render_fingerprint(declaration: Declaration) -> str:
    """The content of the file: what of semflow decides whether the stage is fresh; parameters and device left out."""
    method = declaration.method
    parts = {"code": method.code, "libraries": method.libraries, "weights": method.weights}
    return json.dumps({name: dict(part) for name, part in parts.items()}, sort_keys=True, indent=1) + "\n"


def find_outdated_fingerprints(project: Project) -> dict[str, str]:
    """Path relative to the root to the text that it should have, for files that are missing or have another text."""
    found: dict[str, str] = {}
    for declaration in project.declarations:
        for name in list_fingerprint_files(project, declaration):
            text = render_fingerprint(declaration)
            if not _has_text(project.root / name, text):
                found[name] = text
    return found


def write_fingerprints(project: Project, *, new: bool = True) -> list[str]:
    """Bring the files up to date and return those written; without `new`, missing files stay missing."""
    outdated = find_outdated_fingerprints(project)
    chosen = [name for name in outdated if new or (project.root / name).is_file()]
    for name in chosen:
        write_text_atomically(project.root / name, outdated[name])
    return chosen


def _has_text(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False
