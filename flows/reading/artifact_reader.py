"""One artifact of all videos: typed objects per video, and tables as one data set in four libraries.

Columns, videos and a range of time are pushed down: of files, videos and columns that are not asked for, nothing is
read or fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from flows.reading.artifact_source import ArtifactSource
from tasks.artifacts.artifact import MAKE_AGAIN, SCHEMA_VERSION, Artifact
from tasks.artifacts.parquet_file import VERSION_KEY, check_parquet_schema
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.dataset as pads

A = TypeVar("A", bound=Artifact)
TimeRange = tuple[float | None, float | None]
"""Seconds, the first inside and the second outside; None for no limit."""
EXTRAS = {"polars": "polars", "duckdb": "sql"}
"""Package to the extra of semflow that installs it."""


@dataclass(frozen=True, eq=False)
class ArtifactReader(Generic[A]):
    """One artifact, of all videos of a data set or of some."""

    kind: type[A]
    source: ArtifactSource
    chosen: tuple[str, ...] | None = None
    """The videos that are read; None for all that have the artifact."""
    _opened: dict[str, A] = field(default_factory=dict[str, A], init=False, repr=False)

    def __repr__(self) -> str:
        return f"<{self.name} of {self.source.title}>"

    @property
    def name(self) -> str:
        """Name of the artifact, such as `tracks`."""
        return self.kind.artifact_name()

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """The videos that are read, sorted; `dataset` for an artifact of the whole data set."""
        return tuple(self.source.list_videos(self.kind)) if self.chosen is None else self.chosen

    def __len__(self) -> int:
        return len(self.videos)

    def __iter__(self) -> Iterator[str]:
        return iter(self.videos)

    def __getitem__(self, video: str) -> A:
        """The artifact of a video as an object of its class; arrays and images are read on access."""
        if video not in self._opened:
            self._opened[video] = self.kind.load(self.locate(video))
        return self._opened[video]

    def locate(self, video: str) -> Path:
        """The path of the artifact's file, fetched where it is not on this machine; only to be read."""
        return self.source.locate(self.kind, [video])[video]

    def of(self, videos: str | Sequence[str]) -> ArtifactReader[A]:
        """The same artifact of these videos alone."""
        return replace(self, chosen=(videos,) if isinstance(videos, str) else tuple(videos))


class TableReader(ArtifactReader[A]):
    """A table of all videos, or of some."""

    def __repr__(self) -> str:
        return f"<table {self.name} of {self.source.title}: {', '.join(self.schema.names)}>"

    def of(self, videos: str | Sequence[str]) -> TableReader[A]:
        return TableReader(self.kind, self.source, (videos,) if isinstance(videos, str) else tuple(videos))

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns with unit and meaning, by the artifact's class; no file is read."""
        from flows.reading.table_schemas import find_schema

        return find_schema(self.kind)

    @cached_property
    def default_columns(self) -> list[str]:
        """The columns that are read where none are named: all but images and encoded fields."""
        from pyarrow import types

        return [column.name for column in self.schema if not types.is_binary(column.type)]

    def to_dataset(self, videos: str | Sequence[str] | None = None) -> pads.Dataset:
        """A pyarrow data set over the files of `videos`, one file each."""
        import pyarrow.dataset as pads

        return pads.dataset([str(path) for path in self.list_files(videos)], schema=self.schema, format="parquet")

    def list_files(self, videos: str | Sequence[str] | None = None) -> list[Path]:
        """The files of `videos` (default: all), fetched where they are not on this machine, in order of the videos.

        SemflowError where one was written before tables knew the video.
        """
        import pyarrow.parquet as pq

        wanted = self._choose(videos)
        found = self.source.locate(self.kind, wanted)
        for video, path in found.items():
            metadata: Mapping[bytes, bytes] = pq.read_schema(path).metadata or {}
            check_parquet_schema(self.kind, metadata, f"{self.name} of {video}")
            if int(metadata.get(VERSION_KEY, b"1")) < SCHEMA_VERSION:
                raise SemflowError(
                    f"{self.name} of {video} must have schema version {SCHEMA_VERSION}, got 1, whose rows "
                    f"name no video; read it alone with `[{video!r}]`, or {MAKE_AGAIN}"
                )
        return list(found.values())

    def to_arrow(
        self,
        columns: Sequence[str] | None = None,
        videos: str | Sequence[str] | None = None,
        time: TimeRange = (None, None),
    ) -> pa.Table:
        """An Arrow table: `columns` (default: all but images and encoded fields) of `videos` within `time`."""
        dataset = self.to_dataset(videos)
        return dataset.to_table(self._check(columns), filter=self._time_expression(time), use_threads=False)

    def to_pandas(
        self,
        columns: Sequence[str] | None = None,
        videos: str | Sequence[str] | None = None,
        time: TimeRange = (None, None),
    ) -> pd.DataFrame:
        """`to_arrow` as a pandas DataFrame; `video` is categorical."""
        return self.to_arrow(columns, videos, time).to_pandas()

    def to_polars(
        self,
        columns: Sequence[str] | None = None,
        videos: str | Sequence[str] | None = None,
        time: TimeRange = (None, None),
    ) -> pl.LazyFrame:
        """The same as a polars LazyFrame; call `.collect()` to read. Needs `pip install 'semflow[polars]'`."""
        polars = import_extra("polars")
        frame = polars.scan_parquet(self.list_files(videos))
        for column, sign, seconds in self._time_conditions(time):
            value = polars.col(column)
            frame = frame.filter(value >= seconds if sign == ">=" else value < seconds)
        return frame.select(self._check(columns))

    def to_duckdb(
        self,
        columns: Sequence[str] | None = None,
        videos: str | Sequence[str] | None = None,
        time: TimeRange = (None, None),
        connection: duckdb.DuckDBPyConnection | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """The same as a DuckDB relation, read when it is used. Needs `pip install 'semflow[sql]'`."""
        where = connection or import_extra("duckdb")
        relation = where.read_parquet([str(path) for path in self.list_files(videos)])
        for column, sign, seconds in self._time_conditions(time):
            relation = relation.filter(f'"{column}" {sign} {seconds!r}')
        return relation.project(", ".join(f'"{column}"' for column in self._check(columns)))

    def _choose(self, videos: str | Sequence[str] | None) -> tuple[str, ...]:
        """The videos to read; SemflowError for one beside those that this reader was made for."""
        if videos is None:
            return self.videos
        wanted = (videos,) if isinstance(videos, str) else tuple(videos)
        other = next((video for video in wanted if self.chosen is not None and video not in self.chosen), None)
        if other is not None:
            raise SemflowError(
                f"videos must be among {', '.join(self.videos)}, of which this table is, got {other!r}; "
                f"read it from the data set: `ds.{self.name}`"
            )
        return wanted

    def _check(self, columns: Sequence[str] | None) -> list[str]:
        known = self.schema.names
        unknown = next((column for column in columns or () if column not in known), None)
        if unknown is not None:
            raise SemflowError(f"columns of {self.name} must be among {', '.join(known)}, got {unknown!r}")
        return self.default_columns if columns is None else list(columns)

    def _time_conditions(self, time: TimeRange) -> Iterator[tuple[str, str, float]]:
        """(column, sign, seconds) of the rows in `time`; of windows and pairs, those that overlap it."""
        _check_time(time)
        names = self.schema.names
        first, last = ("start_s", "end_s") if "start_s" in names else ("pts_s", "pts_s")
        if time[0] is not None:
            yield last, ">=", float(time[0])
        if time[1] is not None:
            yield first, "<", float(time[1])

    def _time_expression(self, time: TimeRange) -> Any:
        import pyarrow.compute as pc

        expression = None
        for column, sign, seconds in self._time_conditions(time):
            value = pc.field(column)
            condition = value >= seconds if sign == ">=" else value < seconds
            expression = condition if expression is None else expression & condition
        return expression


def _check_time(time: Any) -> None:
    """Raise SemflowError where `time` is no range."""
    is_pair = isinstance(time, tuple | list) and len(cast("Sequence[Any]", time)) == 2  # noqa: PLR2004  start and end
    if not is_pair or (None not in time and time[0] > time[1]):
        raise SemflowError(f"time must be (start, end) in seconds, the start first, None for no limit; got {time!r}")


def import_extra(name: str) -> Any:
    """The package `name`; SemflowError, with the extra to install, where it is not there."""
    import importlib

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        extra = EXTRAS[name]
        raise SemflowError(f"{name} must be installed, got none; run `pip install 'semflow[{extra}]'`") from None
