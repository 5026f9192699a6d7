"""Applications of a fitted semantic field: `semflow field complete | track | remove | adapt VIDEO ...`.

    complete   propagate label masks of a few frames to all frames
    track      track points, or points of one object, through the video
    remove     render the video without one object, or without a class
    adapt      propose label masks by features, from other videos that have a field

VIDEO is a video of this project whose artifacts were made (`semflow run`). The files of a command are written to one
folder, `field/<video>/<command>/` or `--out`, which appears complete or not at all.
"""

from __future__ import annotations

import click

from flows.cli.command_options import JSON_OPTION, LazyGroup

COMMANDS = {
    "complete": ("flows.apps.field_complete:command", "propagate label masks of a few frames to all frames"),
    "track": ("flows.apps.field_track:command", "track points, or points of one object, through the video"),
    "remove": ("flows.apps.field_remove:command", "render a video without one object, or without a class"),
    "adapt": ("flows.apps.field_adapt:command", "propose label masks by features, from other videos with a field"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@JSON_OPTION
def command(as_json: bool) -> None:
    """Use the semantic field of a video: complete labels, track points, remove objects, adapt other videos' labels."""
    del as_json
