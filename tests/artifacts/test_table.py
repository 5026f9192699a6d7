"""A table checks itself when built, and comes back from disk as it went."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.artifacts.table import NULL, Column, Table, column, describe_columns, metadata_field
from tasks.errors import SemflowError


@dataclass(frozen=True, eq=False)
class Steps(Table):
    FOLDER: ClassVar[str] = "data/steps"

    frame: Column = column("int32", "index", "frame of the step")
    foot: Column = column("string", "", "left or right")
    joints: Column = column("float32", "px", "three joints", width=3)
    speed: Column = column("float32", "px/s", "NaN where unknown", nullable=True)
    frame_count: int = metadata_field("frames", "rows of the frames artifact")


def steps(**changes: Any) -> Steps:
    values: dict[str, Any] = {
        "frame": np.array([0, 4], np.int32),
        "foot": np.array(["left", "right"], object),
        "joints": np.arange(6, dtype=np.float32).reshape(2, 3),
        "speed": np.array([1.5, np.nan], np.float32),
        "frame_count": 9,
    }
    return Steps(**(values | changes))


def test_a_table_comes_back_from_disk_as_it_went(tmp_path: Path) -> None:
    path = tmp_path / "steps.parquet"
    steps().save(path)
    back = Steps.load(path)
    for name in ("frame", "foot", "joints", "speed"):
        np.testing.assert_array_equal(getattr(back, name), getattr(steps(), name))
        assert getattr(back, name).dtype == getattr(steps(), name).dtype
    assert back.frame_count == 9


@given(n=st.integers(0, 20), seed=st.integers(0, 99))
def test_any_number_of_rows_comes_back(tmp_path_factory: pytest.TempPathFactory, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("t") / "steps.parquet"
    table = steps(
        frame=np.arange(n, dtype=np.int32),
        foot=rng.choice(np.array(["left", "right"], object), n),
        joints=rng.normal(size=(n, 3)).astype(np.float32),
        speed=rng.normal(size=n).astype(np.float32),
    )
    table.save(path)
    back = Steps.load(path)
    assert len(back) == n
    np.testing.assert_array_equal(back.joints, table.joints)


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    steps().save(tmp_path / "a")
    steps().save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_unit_and_meaning_travel_in_the_file(tmp_path: Path) -> None:
    steps().save(tmp_path / "steps.parquet")
    field = pq.read_schema(tmp_path / "steps.parquet").field("speed")
    assert field.metadata == {b"unit": b"px/s", b"meaning": b"NaN where unknown"}
    assert describe_columns(Steps)[3] == {
        "column": "joints",
        "dtype": "float32[3]",
        "unit": "px",
        "meaning": "three joints",
    }


def test_an_empty_table_has_the_schema(tmp_path: Path) -> None:
    table = Steps.empty(frame_count=0)
    table.save(tmp_path / "steps.parquet")
    assert len(Steps.load(tmp_path / "steps.parquet")) == 0
    assert table.to_pandas().columns.tolist() == ["video", "frame", "foot", "joints", "speed"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frame": np.array([0, 4])}, r"Steps.frame must be int32, got int64"),
        ({"frame": np.array([0], np.int32)}, r"Steps.foot must have 1 rows like the columns before it, got 2"),
        ({"joints": np.zeros((2, 4), np.float32)}, r"Steps.joints must have shape \('n', 3\), got \(2, 4\)"),
        ({"joints": np.array([[0, 1, 2], [3, np.nan, 5]], np.float32)}, r"Steps.joints must be finite.* in row 1"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SemflowError, match=message):
        steps(**changes)


def test_another_tables_file_is_refused(tmp_path: Path) -> None:
    @dataclass(frozen=True, eq=False)
    class Other(Table):
        FOLDER: ClassVar[str] = "data/other"
        frame: Column = column("int32", "index", "")

    Other(np.zeros(1, np.int32)).save(tmp_path / "x.parquet")
    with pytest.raises(SemflowError, match=r"x\.parquet must hold steps, got other"):
        Steps.load(tmp_path / "x.parquet")


def test_rows_are_taken_by_index_or_mask() -> None:
    assert steps().take([1]).foot.tolist() == ["right"]
    assert steps().take(np.array([True, False])).frame.tolist() == [0]


def test_nulls_of_whole_numbers_are_nulls_in_the_file(tmp_path: Path) -> None:
    @dataclass(frozen=True, eq=False)
    class Owned(Table):
        FOLDER: ClassVar[str] = "data/owned"

        owner: Column = column("int32", "index", "who, or null", nullable=True)
        size: Column = column("int32", "px", "never null")

    values = np.array([4, NULL, 0], np.int32)
    Owned(values, values).save(tmp_path / "t.parquet")
    stored = pq.read_table(tmp_path / "t.parquet")
    assert stored.column("owner").to_pylist() == [4, None, 0]
    assert stored.column("size").to_pylist() == [4, NULL, 0]
    back = Owned.load(tmp_path / "t.parquet")
    assert back.owner.tolist() == [4, NULL, 0] and back.owner.dtype == np.int32
    assert len(Owned.load(save_empty(Owned, tmp_path / "e.parquet"))) == 0


def save_empty(kind: type[Table], path: Path) -> Path:
    kind.empty().save(path)
    return path
