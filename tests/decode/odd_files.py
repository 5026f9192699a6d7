"""Makes the videos that people really have: written by PyAV's own encoders, then spoiled on purpose.

python -m tests.decode.odd_files FOLDER        writes them all, to look at
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.decode import broken_files, cropped_files, habit_files, mistaken_files, photo_files, rate_files, whole_files
from tests.decode.film import MAKERS

assert (
    broken_files and cropped_files and habit_files and mistaken_files and photo_files and rate_files and whole_files
)  # importing them registers their makers


def make(name: str, folder: Path) -> Path:
    """Write the odd file `name` into `folder`; its path."""
    path = folder / name
    MAKERS[name](path)
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for odd in MAKERS:
        print(make(odd, target))
