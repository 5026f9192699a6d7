"""Reading of tables in MOTChallenge's format as tools export them: marks, headers and separators of several kinds.

Read as they are: a byte order mark, a line of column names, commas, semicolons, tabs or blanks between cells, a
separator at the end of a line, empty lines. Refused with the line: cells that are no numbers, lines of different
lengths, frames that are not counted from 1, an identity twice in a frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.errors import BadInput

MIN_COLUMNS = 7  # frame, id, x, y, w, h, score
SEPARATOR = re.compile(r"\s*[,;\t]\s*|\s+")
Rows = list[tuple[int, list[str]]]
"""Number of the line, from 1, and its cells."""


def read_mot_table(path: Path) -> NDArray[np.float64]:
    """(n, >= 7) rows of the table, none for an empty file; BadInput with the line for what cannot be read."""
    rows = _read_rows(path)
    if not rows:
        return np.empty((0, MIN_COLUMNS))
    columns = len(rows[0][1])
    if columns < MIN_COLUMNS:
        raise BadInput(f"{path} must have at least {MIN_COLUMNS} columns (frame,id,x,y,w,h,score), got {columns}")
    table = np.empty((len(rows), columns))
    for row, (line, cells) in enumerate(rows):
        if len(cells) != columns:
            raise BadInput(f"{path}:{line}: row must have {columns} cells as the first one, got {len(cells)}")
        try:
            table[row] = [float(cell) for cell in cells]
        except ValueError:
            raise BadInput(f"{path}:{line}: cells must be numbers, got {', '.join(cells)}") from None
    _check_frames(path, table, [line for line, _ in rows])
    return table


def check_identities(path: Path, table: NDArray[np.float64]) -> None:
    """BadInput where an identity of ground truth occurs twice in a frame, which no measure is defined for."""
    keys, first, counts = np.unique(table[:, :2], axis=0, return_index=True, return_counts=True)
    if (twice := np.flatnonzero(counts > 1)).size:
        frame, identity = keys[twice[np.argmin(first[twice])]]
        raise BadInput(
            f"{path}: an identity must occur once in a frame, got {identity:g} {counts[twice].max()} times in frame "
            f"{frame:g}; remove one of the rows"
        )


def format_truth(path: Path) -> str:
    """Ground truth in MOTChallenge's own form, cells as they are written; the class is 1 where it is left out."""
    rows = (cells if len(cells) > MIN_COLUMNS else [*cells, "1"] for _, cells in _read_rows(path))
    return "".join(f"{','.join(cells)}\n" for cells in rows)


def _read_rows(path: Path) -> Rows:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} must be a text file (UTF-8), got {error}; save it as CSV") from None
    rows: Rows = []
    for line, words in enumerate(text.splitlines(), 1):
        cells = SEPARATOR.split(words.strip().rstrip(",;").strip())
        if cells != [""]:
            rows.append((line, cells))
    return rows[1:] if rows and _is_header(rows[0][1]) else rows


def _is_header(cells: Sequence[str]) -> bool:
    """Whether no cell is a number."""
    return not any(re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", cell, re.IGNORECASE) for cell in cells)


def _check_frames(path: Path, table: NDArray[np.float64], lines: Sequence[int]) -> None:
    wrong = np.flatnonzero((table[:, 0] < 1) | (table[:, 0] % 1 != 0))
    if wrong.size:
        raise BadInput(
            f"{path}:{lines[wrong[0]]}: frames must be whole numbers counted from 1, got {table[wrong[0], 0]:g}; where "
            "the tool counts from 0, add 1 to the first column of every file"
        )
