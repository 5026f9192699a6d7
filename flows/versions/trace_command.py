"""`semflow trace`: where an artifact, or a row of it, came from."""

from __future__ import annotations

import json
import sys
from importlib import metadata

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from tasks.errors import SemflowError

NAMESPACE = "semflow"
PRODUCER = "https://pypi.org/project/semflow/{}"


@click.command(cls=ValuesCommand)
@click.argument("artifact")
@click.argument("video", default="dataset")
@click.option("--row", type=int, metavar="N", help="a row of the table, from 0")
@click.option("--frame", type=int, metavar="N", help="the rows of this frame")
@click.option("--track", type=int, metavar="N", help="the rows of this identity")
@click.option("--rev", help="branch, tag or commit whose recorded data is traced; default: the working copy")
@click.option("--from", "where", default=".", metavar="WHERE", help="path or git address of the project; default: here")
@click.option("--subfolder", default="", metavar="DIR", help="the project's folder in WHERE, where that holds more")
@click.option("--openlineage", "as_events", is_flag=True, help="print OpenLineage events, one JSON value a line")
@JSON_OPTION
def command(  # noqa: PLR0913  one keyword per option
    *,
    artifact: str,
    video: str,
    row: int | None,
    frame: int | None,
    track: int | None,
    rev: str | None,
    where: str,
    subfolder: str,
    as_events: bool,
    as_json: bool,
) -> int:
    """Say where ARTIFACT of VIDEO came from: the film, and every recipe on the way with its parameters, code, weights,
    libraries, kind of device, the commit that recorded it and the run that computed it.

    With --row, or --frame and --track, the rows of a table too, and the detections that they are made of.
    """
    from flows.reading.video_dataset import open_dataset

    if as_events and as_json:
        raise SemflowError("--json and --openlineage must not be given together, got both; choose one")
    found = open_dataset(where, rev, subfolder=subfolder).trace(artifact, video, row=row, frame=frame, track=track)
    if as_events:
        from flows.versions.openlineage import make_events

        for event in make_events(found.lineage, NAMESPACE, PRODUCER.format(metadata.version("semflow"))):
            sys.stdout.write(json.dumps(event) + "\n")
    elif as_json:
        print_json(found.to_dict())
    else:
        click.echo(str(found))
    return 0
