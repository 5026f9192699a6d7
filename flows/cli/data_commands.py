"""The commands that read: `semflow sql` and `semflow describe`."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError

if TYPE_CHECKING:
    import duckdb

MAX_ROWS = 50
"""Rows that the table on the terminal shows at most."""


@click.command("sql", cls=ValuesCommand)
@click.argument("query")
@click.option("--from", "where", default=".", metavar="WHERE", help="path or git address of the project; default: here")
@click.option("--subfolder", default="", metavar="DIR", help="the project's folder in WHERE, where that holds more")
@click.option("--rev", help="branch, tag or commit whose recorded data is read; default: the working copy")
@click.option("--csv", "as_csv", is_flag=True, help="print CSV")
@click.option(
    "--parquet", "parquet", type=click.Path(path_type=Path), metavar="FILE", help="write the result to a Parquet file"
)
@JSON_OPTION
def sql_command(
    *,
    query: str,
    where: str,
    subfolder: str,
    rev: str | None,
    as_csv: bool,
    parquet: Path | None,
    as_json: bool,
) -> int:
    """Run one SQL query over the artifacts, with DuckDB.

    Tables are named as the artifacts: tracks, poses, actions …, see `semflow describe`. They join on video and frame,
    or on video and track_id. Of artifacts and columns that the query does not name, nothing is read or fetched.
    """
    from flows.reading.sql import run_query
    from flows.reading.video_dataset import open_dataset

    if as_csv + as_json + (parquet is not None) > 1:
        raise SemflowError("--json, --csv and --parquet must not be given together, got more than one; choose one")
    found = run_query(open_dataset(where, rev, subfolder=subfolder), query)
    if parquet is not None:
        _write_parquet(found, parquet)
    elif as_json:
        print_json({"rows": [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]})
    elif as_csv:
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(found.columns)
        lines.writerows(found.fetchall())
    else:
        found.show(max_rows=MAX_ROWS)
    return 0


def _write_parquet(found: duckdb.DuckDBPyRelation, path: Path) -> None:
    """Write the rows to `path` as a whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    if not path.parent.is_dir():
        raise SemflowError(f"--parquet must name a file in an existing folder, got {path}; create {path.parent}")
    try:
        found.write_parquet(str(beside), compression="zstd")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@click.command("describe", cls=ValuesCommand)
@click.argument("artifact", required=False)
@JSON_OPTION
def describe_command(artifact: str | None, as_json: bool) -> int:
    """Print what ARTIFACT holds: columns or arrays with units, what makes it, and code that reads it.

    Without ARTIFACT, all artifacts in a line each. The same stands in docs/data.md.
    """
    from flows.reading.descriptions import describe_all, describe_artifact

    if artifact is None:
        every = describe_all()
        if as_json:
            print_json({"artifacts": [asdict(one) for one in every]})
        for one in () if as_json else every:
            click.echo(f"{one.name:<15} {one.path:<36} {one.stage}")
        return 0
    one = describe_artifact(artifact)
    if as_json:
        print_json(asdict(one))
        return 0
    click.echo(f"{one.name}: {one.path}, made by {one.stage}\n{one.summary}")
    for title, fields in (("columns", one.columns), ("of the whole file", one.facts)):
        if fields:
            name, kind, unit = (max(len(getattr(field, key)) for field in fields) for key in ("name", "kind", "unit"))
            click.echo(f"\n{title}")
            for field in fields:
                click.echo(f"  {field.name:<{name}}  {field.kind:<{kind}}  {field.unit:<{unit}}  {field.meaning}")
    click.echo(f"\n{one.example.rstrip()}")
    return 0
