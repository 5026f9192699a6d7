"""What a fitted semantic field is good for: `semflow field complete | track | remove | adapt VIDEO ...`.

    complete   labels on a few frames to all frames
    track      chosen points, or one thing, through time
    remove     one thing, or a class, edited out
    adapt      labels from other videos that have a field already

VIDEO is a video of this project whose artifacts are there (`semflow run`). Everything that one command leaves lies in
one folder, `field/<video>/<command>/` or where `--out` says, which appears whole or not at all.
"""

from __future__ import annotations

import click

from flows.cli.command_options import JSON_OPTION, LazyGroup

COMMANDS = {
    "complete": ("flows.apps.field_complete:command", "labels on a few frames to label maps of all frames"),
    "track": ("flows.apps.field_track:command", "chosen points, or one thing, through time"),
    "remove": ("flows.apps.field_remove:command", "a video without one thing, or without a class"),
    "adapt": ("flows.apps.field_adapt:command", "label maps from what is known of other videos, by features"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@JSON_OPTION
def command(as_json: bool) -> None:
    """Use the semantic field of a video: complete labels, track points, remove objects, adapt other videos' labels."""
    del as_json
