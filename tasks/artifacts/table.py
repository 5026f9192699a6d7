"""Tables: frozen dataclasses with a NumPy array per column, stored as Parquet.

Dtype, unit and meaning of a column are declared at its field and stored in the Parquet schema, where readers in any
language find them. Metadata (frame count, size) are scalars of the whole table, stored in the schema's metadata.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.artifacts.artifact import MAKE_AGAIN, Artifact
from tasks.artifacts.parquet_file import (
    VIDEO,
    check_parquet_schema,
    make_field,
    make_schema,
    make_video_field,
    to_numpy,
)
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Column = NDArray[Any]
TABLE_METADATA_KEY = b"semflow"
NULL = -1
"""Stands for a null of the file in a NumPy column of integers, as NumPy has no null."""
ZSTD_LEVEL = 3  # zstd's own default; fixed here so that a change of Arrow's default does not change bytes


def column(dtype: str, unit: str, meaning: str, width: int = 0, nullable: bool = False) -> Any:
    """Declare a column: NumPy dtype (or "string"), unit, meaning; `width` > 0 makes each cell a fixed-size list.

    `nullable` admits NaN in a floating column, else an error, and nulls, here NULL, in one of whole numbers.
    """
    return dataclasses.field(
        metadata={"column": True, "dtype": dtype, "unit": unit, "meaning": meaning, "width": width, "nan": nullable}
    )


def time_column(meaning: str = "presentation time of the frame") -> Any:
    """Declare a column of times in seconds; NaN in every row where it is not given, as times are not always known."""
    declared = {"dtype": "float64", "unit": "s", "meaning": meaning, "width": 0, "nan": True}
    return dataclasses.field(default=None, kw_only=True, metadata={"column": True, **declared})


def metadata_field(unit: str, meaning: str, default: Any = dataclasses.MISSING) -> Any:
    """Declare a scalar (or JSON value) of the whole table."""
    return dataclasses.field(
        metadata={"column": False, "unit": unit, "meaning": meaning}, kw_only=True, default=default
    )


@dataclass(frozen=True, eq=False)
class Table(Artifact):
    """Base of all tables; checks dtype and shape of every column at construction, then calls `check_values`."""

    SUFFIX: ClassVar[str] = ".parquet"

    video: str = dataclasses.field(
        default="", kw_only=True, metadata={"column": False, "unit": "", "meaning": "name of the video"}
    )
    """Name of the video that the rows belong to, the column `video` of the file; "" outside a data set."""

    def __post_init__(self) -> None:
        rows = None
        for field in self.column_fields():
            given = getattr(self, field.name)
            values = self._conform(field, np.full(rows or 0, np.nan) if given is None else given)
            rows = len(values) if rows is None else rows
            if len(values) != rows:
                raise SemflowError(
                    f"{self._name(field)} must have {rows} rows like the columns before it, got {len(values)}"
                )
            object.__setattr__(self, field.name, values)
        self.check_values()

    def check_values(self) -> None:
        """Check rules beyond dtype and shape; for subclasses to override. Raises SemflowError."""

    @classmethod
    def column_fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        """The fields that are columns, in order."""
        return tuple(f for f in dataclasses.fields(cls) if f.metadata.get("column"))

    @classmethod
    def metadata_fields(cls) -> tuple[dataclasses.Field[Any], ...]:
        """The fields that are scalars about the whole table."""
        return tuple(f for f in dataclasses.fields(cls) if f.metadata.get("column") is False)

    @classmethod
    def empty(cls, **metadata: Any) -> Self:
        """A table with no rows and the right schema."""
        blank = {
            f.name: np.empty((0, width) if (width := f.metadata["width"]) else 0, dtype=_dtype(f))
            for f in cls.column_fields()
        }
        return cls(**blank, **metadata)

    def __len__(self) -> int:
        return len(getattr(self, self.column_fields()[0].name))

    def take(self, rows: ArrayLike) -> Self:
        """The table with only `rows` (indices or a mask), metadata unchanged."""
        return dataclasses.replace(self, **{f.name: getattr(self, f.name)[rows] for f in self.column_fields()})

    def to_pandas(self) -> pd.DataFrame:
        """The columns as a DataFrame; fixed-size lists become one array per cell."""
        return cast("pd.DataFrame", self.to_arrow().to_pandas())

    @classmethod
    def schema(cls) -> pa.Schema:
        """The Arrow schema: `video`, then the columns, unit and meaning in each field's metadata."""
        import pyarrow as pa

        def arrow_type(f: dataclasses.Field[Any]) -> Any:
            base = pa.string() if f.metadata["dtype"] == "string" else pa.from_numpy_dtype(_dtype(f))
            return pa.list_(base, f.metadata["width"]) if f.metadata["width"] else base

        return make_schema(
            cls.artifact_name(),
            [
                make_field(f.name, arrow_type(f), f.metadata["unit"], f.metadata["meaning"], _has_nulls(f))
                for f in cls.column_fields()
            ],
        )

    def to_arrow(self) -> pa.Table:
        """The table as Arrow, with its metadata in that of the schema."""
        import pyarrow as pa

        schema = type(self).schema()
        video_field = make_video_field()
        values_of_table = {f.name: getattr(self, f.name) for f in self.metadata_fields()}
        names = pa.DictionaryArray.from_arrays(np.zeros(len(self), np.int32), [self.video])
        arrays: list[Any] = [names if len(self) else pa.array([], video_field.type)]
        for f, field in zip(self.column_fields(), list(schema)[1:], strict=True):
            values = getattr(self, f.name)
            if f.metadata["width"]:
                arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), type=field.type))
            else:
                arrays.append(pa.array(values, type=field.type, mask=values == NULL if _has_nulls(f) else None))
        metadata = {TABLE_METADATA_KEY: json.dumps(values_of_table, sort_keys=True).encode()}
        return pa.Table.from_arrays(arrays, schema=schema.with_metadata({**(schema.metadata or {}), **metadata}))

    def save(self, path: Path) -> None:
        import pyarrow.parquet as pq

        pq.write_table(self.to_arrow(), path, compression="zstd", compression_level=ZSTD_LEVEL, version="2.6")

    @classmethod
    def load(cls, path: Path) -> Self:
        import pyarrow.parquet as pq

        # Not pq.read_table, which opens a data set: that takes twice as long, and `name=value` in a path for a column.
        with pq.ParquetFile(path) as file:
            return cls.from_arrow(file.read(use_threads=False), path.name)

    @classmethod
    def from_arrow(cls, table: pa.Table, name: str = "table") -> Self:
        """Check that `table` has this class's columns and metadata, and build it.

        Tables of schema 1 have no `video`, and may lack times, which are NaN then.
        """
        stored: Mapping[bytes, bytes] = table.schema.metadata or {}
        check_parquet_schema(cls, stored, name)
        given = [column_name for column_name in table.column_names if column_name != VIDEO]
        fields = [f for f in cls.column_fields() if f.default is dataclasses.MISSING or f.name in given]
        expected = [f.name for f in fields]
        if given != expected:
            raise SemflowError(
                f"{name} must have the columns {expected} of {cls.__name__}, got {given}; "
                f"it was written by another version: {MAKE_AGAIN}"
            )
        metadata = json.loads(stored.get(TABLE_METADATA_KEY, b"{}"))
        return cls(**{f.name: _to_numpy(f, table.column(f.name)) for f in fields}, **metadata)

    def _conform(self, field: dataclasses.Field[Any], values: Any) -> Column:
        dtype, width = _dtype(field), field.metadata["width"]
        array = np.asarray(values, dtype=object) if field.metadata["dtype"] == "string" else np.asarray(values)
        if array.dtype != dtype:
            raise SemflowError(
                f"{self._name(field)} must be {field.metadata['dtype']}, got {array.dtype}; "
                f"convert it with .astype({field.metadata['dtype']!r})"
            )
        shape = ("n", width) if width else ("n",)
        if array.ndim != len(shape) or (width and array.shape[1] != width):
            raise SemflowError(f"{self._name(field)} must have shape {shape}, got {array.shape}")
        if array.dtype.kind == "f" and not field.metadata["nan"]:
            finite = np.isfinite(array)
            bad = np.flatnonzero(~(finite.all(axis=1) if width else finite))
            if len(bad):
                raise SemflowError(f"{self._name(field)} must be finite, got {array[bad[0]]} in row {bad[0]}")
        return array

    def _name(self, field: dataclasses.Field[Any]) -> str:
        return f"{type(self).__name__}.{field.name}"


def concatenate_columns(tables: Sequence[Table]) -> dict[str, Column]:
    """Column name to its values in all `tables`, concatenated; for `dataclasses.replace`."""
    return {f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in tables[0].column_fields()}


def describe_columns(kind: type[Table]) -> list[Mapping[str, str]]:
    """A data dictionary of `kind`: column, dtype, unit, meaning."""
    video: Mapping[str, str] = {"column": VIDEO, "dtype": "string", "unit": "", "meaning": "name of the video"}
    return [
        video,
        *(
            {
                "column": f.name,
                "dtype": f.metadata["dtype"] + (f"[{w}]" if (w := f.metadata["width"]) else ""),
                "unit": f.metadata["unit"],
                "meaning": f.metadata["meaning"],
            }
            for f in kind.column_fields()
        ),
    ]


def _dtype(field: dataclasses.Field[Any]) -> np.dtype[Any]:
    name = field.metadata["dtype"]
    return np.dtype(object) if name == "string" else np.dtype(name)


def _has_nulls(field: dataclasses.Field[Any]) -> bool:
    return field.metadata["nan"] and _dtype(field).kind == "i"


def _to_numpy(field: dataclasses.Field[Any], values: pa.ChunkedArray) -> Column:
    if field.metadata["dtype"] == "string":
        return to_numpy(values)
    whole = values.combine_chunks()
    if _has_nulls(field):
        whole = whole.fill_null(NULL)
    if field.metadata["width"]:
        return np.asarray(whole.flatten().to_numpy(zero_copy_only=False)).reshape(-1, field.metadata["width"])
    return np.asarray(whole.to_numpy(zero_copy_only=False))
