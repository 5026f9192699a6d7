"""`semflow diff`: what changed between two versions, and what that did to the data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError


@click.command(cls=ValuesCommand)
@click.argument("before", metavar="REV")
@click.argument("after", required=False, metavar="[REV]")
@click.option("--videos", "max_videos", type=click.IntRange(0), default=10, show_default=True, metavar="N",
              help="how many videos are shown, worst first")  # fmt: skip
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="write a page with all of it")
@click.option("--from", "where", default=".", metavar="WHERE", help="path or git address of the project; default: here")
@click.option("--subfolder", default="", metavar="DIR", help="the project's folder in WHERE, where that holds more")
@JSON_OPTION
def command(
    *,
    before: str,
    after: str | None,
    max_videos: int,
    page: Path | None,
    where: str,
    subfolder: str,
    as_json: bool,
) -> int:
    """Compare two versions of the data set: parameters, code, weights, libraries, videos added and gone, and what that
    did to rows, classes, identities and distributions, per video, worst first.

    With one REV, it is compared with the working copy. Data that are equal are not read.
    """
    from flows.reading.video_dataset import open_dataset
    from flows.versions.diff_text import describe_diff
    from flows.versions.recorded_version import RecordedVersion
    from flows.versions.version_diff import compare_versions

    if page is not None and not page.absolute().parent.is_dir():
        raise SemflowError(f"--html must name a file in an existing folder, got {page}; create {page.parent}")
    sides = [RecordedVersion(open_dataset(where, rev, subfolder=subfolder).source) for rev in (before, after)]
    found = compare_versions(sides[0], sides[1])
    if page is not None:
        from flows.versions.diff_page import render_diff
        from tasks.atomic_file import write_text_atomically

        write_text_atomically(page.absolute(), render_diff(found))
    if as_json:
        print_json(asdict(found))
        return 0
    for line in describe_diff(found, max_videos):
        click.echo(line)
    if page is not None:
        click.echo(f"\nwritten to {page}")
    return 0
