"""What a fitted semantic field is good for: `semflow field complete | track | remove | adapt VIDEO ...`.

    complete   labels on a few frames to all frames
    track      chosen points, or one thing, through time
    remove     one thing, or a class, edited out
    adapt      labels from other videos that have a field already

VIDEO is a video of this project whose artifacts are there (`semflow run`). Everything that one command leaves lies in
one folder, `field/<video>/<command>/` or where `--out` says, which appears whole or not at all.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

from flows.cli.display import shown_progress

COMMANDS = {
    "complete": "labels on a few frames to label maps of all frames",
    "track": "chosen points, or one thing, through time",
    "remove": "a video without one thing, or without a class",
    "adapt": "label maps from what is known of other videos, by features",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The four commands, each with its own options (flows/field_<command>.py)."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("video", help="a video of this project")
        sub.add_argument("--out", metavar="DIR", help=f"folder for the files; field/VIDEO/{name} without it")
        # No default of its own, or `--json` before the command would be lost again.
        sub.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object")
        sub.set_defaults(field_command=name)
        _module(name).add_arguments(sub)


def run(arguments: argparse.Namespace) -> int:
    """Do it, and say what was made and where it is."""
    with shown_progress():
        return _module(arguments.field_command).run(arguments)


def _module(name: str) -> Any:
    return import_module(f"flows.apps.field_{name}")
