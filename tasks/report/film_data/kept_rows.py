"""Which rows of long tables the film page keeps, so that its size does not grow with the film's length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def choose_stride(rows: int, most: int) -> int:
    """The smallest n for which every n-th of `rows` rows are no more than `most`."""
    return max(1, -(-rows // most))


def keep_strided(frame: NDArray[np.integer], group: NDArray[np.integer], stride: int) -> NDArray[np.intp]:
    """Rows by group, then frame: those of every `stride`-th frame, and the first and last of each unbroken run."""
    order = np.lexsort((frame, group))
    frames, groups = frame[order], group[order]
    begins = np.ones(len(order), np.bool_)
    begins[1:] = (np.diff(frames) != 1) | (np.diff(groups) != 0)
    ends = np.append(begins[1:], True) if len(order) else begins
    return order[(frames % stride == 0) | begins | ends]


def count_groups(group: NDArray[np.integer]) -> list[tuple[int, int]]:
    """(value, number of rows) of each group of ordered values."""
    values, counts = np.unique(group, return_counts=True)
    return [(int(value), int(count)) for value, count in zip(values, counts, strict=True)]
