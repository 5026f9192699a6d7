"""The largest difference between the numbers of two files of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np


def largest_difference(expected: Path, got: Path) -> str:
    """In words, with the column or array where it is; for files without numbers, that they differ."""
    before, after = dict(arrays(expected)), dict(arrays(got))
    if not before or before.keys() != after.keys():
        return f"{expected.name} differs"
    worst, where = 0.0, ""
    for name, one in before.items():
        two = after[name]
        if one.shape != two.shape:
            return f"{name} {len(one)} -> {len(two)} rows"
        if one.dtype.kind not in "fiub":
            if not (one == two).all():
                where = where or f"{name} {np.mean(one != two):.1%} of rows"
            continue
        apart = np.abs(one.astype(np.float64) - two.astype(np.float64))
        largest = float(np.nanmax(apart, initial=0.0))
        if largest > worst:
            worst, where = largest, f"{name} {largest:.2g}"
    return where or "metadata"


def arrays(path: Path) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Name to array, of Parquet, NPY and NPZ; none for other kinds."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        for name, column in pq.read_table(path).to_pydict().items():
            yield name, np.array(column, None if all(isinstance(v, int | float) for v in column) else object)
    elif path.suffix == ".npy":
        yield "values", np.load(path)
    elif path.suffix == ".npz":
        with np.load(path) as file:
            for name in file.files:
                yield name, file[name]
