"""Helpers for tests of importing videos: files to import, and the imported files."""

from __future__ import annotations

from pathlib import Path


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"bytes of {folder / name}")


def in_raw(root: Path) -> list[str]:
    """Everything in data/raw, hidden names too, without what the project had before."""
    every = {path.relative_to(root / "data/raw").as_posix() for path in (root / "data/raw").rglob("*")}
    return sorted(every - {"one.mp4", "two.mp4"})
