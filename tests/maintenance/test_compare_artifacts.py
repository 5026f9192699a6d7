"""Two files of numbers: equal, near or different, and by how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.maintenance.compare_artifacts import Difference, combine_differences, compare_arrays, compare_files

TOLERANCE = 1e-3


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def compare(tmp_path: Path, before: dict[str, Any], after: dict[str, Any]) -> Difference:
    return compare_files(parquet(tmp_path / "a.parquet", **before), parquet(tmp_path / "b.parquet", **after), TOLERANCE)


@pytest.mark.parametrize(
    ("after", "verdict", "absolute"),
    [
        ([1.0, 2.0, 4.0], "equal", 0),
        ([1.0, 2.002, 4.0], "near", 0.002),
        ([1.0, 2.2, 4.0], "different", 0.2),
        ([1.0, None, 4.0], "different", 0),
        ([1.0, float("nan"), 4.0], "different", 0),
    ],
)
def test_numbers_of_a_column(tmp_path: Path, after: list[Any], verdict: str, absolute: float) -> None:
    found = compare(tmp_path, {"x": [1.0, 2.0, 4.0]}, {"x": after})
    assert found.verdict == verdict
    assert found.absolute == pytest.approx(absolute)
    assert found.relative == pytest.approx(absolute / 4, abs=1e-9)


def test_lists_in_a_column_are_compared_flat(tmp_path: Path) -> None:
    before = {"x": pa.array([[[1.0], [2.0, 3.0]], []], pa.list_(pa.list_(pa.float32())))}
    near = {"x": pa.array([[[1.0], [2.0, 3.001]], []], pa.list_(pa.list_(pa.float32())))}
    cut = {"x": pa.array([[[1.0, 2.0], [3.0]], []], pa.list_(pa.list_(pa.float32())))}
    assert compare(tmp_path, before, near).verdict == "near"
    assert compare(tmp_path, before, cut) == Difference("different", words="x: lists are of other lengths")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"n": [1, 2]}, {"n": [1, 3]}, "n: values differ"),
        ({"t": ["a", "b"]}, {"t": ["a", "c"]}, "t: values differ"),
        ({"b": [b"a"]}, {"b": [b"b"]}, "b: values differ"),
        ({"n": [1, 2]}, {"n": [1, 2, 3]}, "2 rows -> 3"),
        ({"n": [1, 2]}, {"m": [1, 2]}, "columns or their facts are others"),
        ({"n": [1, 2]}, {"n": [1.0, 2.0]}, "columns or their facts are others"),
    ],
)
def test_what_is_no_real_number_must_be_equal(tmp_path: Path, before: Any, after: Any, words: str) -> None:
    assert compare(tmp_path, before, after) == Difference("different", words=words)


def test_the_worst_column_speaks(tmp_path: Path) -> None:
    found = compare(tmp_path, {"x": [1.0], "y": [1.0]}, {"x": [1.0001], "y": [2.0]})
    assert (found.verdict, found.words, found.absolute) == ("different", "y", 1.0)


def test_arrays_and_what_stands_behind_them(tmp_path: Path) -> None:
    one, two = tmp_path / "a.npy", tmp_path / "b.npy"

    def write(path: Path, array: Any, facts: bytes) -> None:
        np.save(path, array)
        path.write_bytes(path.read_bytes() + facts)

    array = np.arange(10, dtype=np.float16).reshape(5, 2)
    write(one, array, b"facts")
    write(two, array + np.float16(0.004) * (array == 1), b"facts")
    found = compare_files(one, two, TOLERANCE)
    assert found.verdict == "near"
    assert found.absolute == pytest.approx(0.0039, abs=1e-3)
    write(two, array, b"other")
    assert compare_files(one, two, TOLERANCE).words == "facts behind the array differ"
    write(two, array[:4], b"facts")
    assert "(5, 2) -> float16 (4, 2)" in compare_files(one, two, TOLERANCE).words


def test_several_arrays_in_one_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones(3), n=np.arange(3))
    np.savez(tmp_path / "b.npz", x=np.ones(3) + 1e-5, n=np.arange(3))
    np.savez(tmp_path / "c.npz", x=np.ones(3), n=np.arange(3) + 1)
    assert compare_files(tmp_path / "a.npz", tmp_path / "b.npz", TOLERANCE).verdict == "near"
    assert compare_files(tmp_path / "a.npz", tmp_path / "c.npz", TOLERANCE).words == "n: 3 of 3 values differ"


def test_infinities_and_unknowns_are_equal_to_themselves() -> None:
    values = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert combine_differences(compare_arrays(values, values.copy(), "x"), TOLERANCE).verdict == "equal"
    other = np.array([np.inf, 1, np.nan, 1.0])
    assert combine_differences(compare_arrays(values, other, "x"), TOLERANCE).verdict == "different"


def test_a_damaged_file_is_different_with_a_message(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", x=[1.0])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 no parquet")
    found = compare_files(tmp_path / "a.parquet", tmp_path / "b.parquet", TOLERANCE)
    assert found.verdict == "different"
    assert found.words.startswith("cannot be read")
