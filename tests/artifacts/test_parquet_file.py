"""Files that are read in parts."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.artifacts.artifact import Artifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.parquet_file import GROUPS_PER_READ, read_columns
from tasks.artifacts.semantic_field import SemanticField
from tasks.errors import SemflowError


@pytest.mark.parametrize(
    ("kind", "what"),
    [(Frames, "frames artifact"), (DenseFlow, "dense flow artifact"), (SemanticField, "semantic field")],
)
def test_somebody_else_s_parquet_file_is_refused_with_what_to_do(
    kind: type[Artifact], what: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"frame": [1]}), tmp_path / "other.parquet")
    with pytest.raises(SemflowError, match=rf"other\.parquet must be a {what}, got .* run `semflow run` to make it"):
        kind.load(tmp_path / "other.parquet")


@pytest.mark.parametrize("rows", [0, 1, GROUPS_PER_READ, 2 * GROUPS_PER_READ + 3])
def test_columns_of_many_row_groups_are_read_in_one_piece(rows: int, tmp_path: Path) -> None:
    whole = pa.table(
        {"frame": range(rows), "video": pa.array(["film"] * rows).dictionary_encode(), "other": [0] * rows}
    )
    pq.write_table(whole, tmp_path / "film.parquet", row_group_size=1)
    found = read_columns(pq.ParquetFile(tmp_path / "film.parquet"), ["frame", "video"])
    assert found.to_pydict() == {"frame": [*range(rows)], "video": ["film"] * rows}
    assert all(column.num_chunks <= 1 for column in found.columns)
