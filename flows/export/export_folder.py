"""The folder of an export: complete or not there, and never in place of anybody else's files."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from flows.engine.atomic_files import PARTIAL_FOLDER, make_partial_path, move_into_place
from tasks.errors import SemflowError

MANIFEST = "export.json"
"""In every folder that an export writes: format, videos, and hashes of the artifacts it was made of."""


@contextlib.contextmanager
def open_export_folder(final: Path, form: str, manifest: Mapping[str, Any]) -> Generator[Path]:
    """A temporary folder that becomes `final` at the end, with the manifest in it; removed after an error.

    SemflowError where `final` holds anything but an earlier export of the format `form`.
    """
    final = final.absolute()
    if final.exists() and not _may_replace(final, form):
        raise SemflowError(
            f"--out must be a new or an empty folder, or one of an earlier export to {form}, got {final}; "
            "name another folder"
        )
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        with make_partial_path(final, final.parent) as folder:
            folder.mkdir()
            yield folder
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            move_into_place(folder, final)
    finally:
        with contextlib.suppress(OSError):  # another command may be writing beside it
            (final.parent / PARTIAL_FOLDER).rmdir()


def _may_replace(folder: Path, form: str) -> bool:
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["format"] == form
    except (OSError, ValueError, KeyError, TypeError):
        return False
