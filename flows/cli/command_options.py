"""Building blocks of the command line: commands loaded when they are called, `--json`, options with several values.

The commands are click's (https://click.palletsprojects.com). Three things are added:

- `LazyGroup` imports the module of a command when that command is called, so `semflow plan` loads no network library.
- `JSON_OPTION` may stand before or after the name of the command: `semflow --json plan`, `semflow plan --json`.
- `ListOption` takes several values: `--videos a.mp4 b.mp4`, the same as `--videos a.mp4 --videos b.mp4`.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

JSON_KEY = "semflow.json"
"""In the `meta` of a context, which a command shares with its group: whether `--json` was given."""


def _read_json_flag(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    """True where the option stands here or before the name of the command; log lines of progress then are left out."""
    del parameter
    context.meta[JSON_KEY] = wanted = value or context.meta.get(JSON_KEY, False)
    logging.getLogger("semflow").setLevel(logging.WARNING if wanted else logging.INFO)
    return wanted


SAVE_OPTION = click.option(
    "--save",
    is_flag=True,
    help="write the combined figures to metrics/suites/, for git, `dvc metrics` and `semflow diff`",
)
JSON_OPTION = click.option(
    "--json", "as_json", is_flag=True, callback=_read_json_flag, help="print one JSON object instead of tables"
)
DATA_OPTION = click.option(
    "--data", type=click.Path(path_type=Path), required=True, metavar="DIR", help="folder with the ground truth"
)


class ListOption(click.Option):
    """An option with one or more values, none too if `allow_empty`; the value is a tuple, or None if it is not given.

    For commands made by `ValuesCommand`. A default, if there is one, takes the place of None.
    """

    def __init__(self, declarations: Sequence[str], *, allow_empty: bool = False, **settings: Any) -> None:
        super().__init__(declarations, multiple=True, **settings)
        self.allow_empty = allow_empty
        self.has_default = "default" in settings

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        name = self.name or ""
        given: Sequence[str] | None = opts.get(name)
        if given is None:
            value, args = super().handle_parse_result(ctx, opts, args)
            ctx.params[name] = value if self.has_default else None
        else:  # the empty text stands for an option without values, see `spread_values`
            value, args = super().handle_parse_result(ctx, {**opts, name: [text for text in given if text]}, args)
        return ctx.params[name], args

    def make_metavar(self, ctx: click.Context) -> str:
        metavar = super().make_metavar(ctx)
        return f"[{metavar}]..." if self.allow_empty else f"{metavar}..."


class _ShortHelpOption(click.Command):
    """A command whose help option is `-h` and `--help`, in any context.

    A setting of the context would not do: click keeps the option that it made for the first context of a command.
    """

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        del ctx
        return ["-h", "--help"]


class ValuesCommand(_ShortHelpOption):
    """A command whose `ListOption`s take all words up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {text: one for one in self.params if isinstance(one, ListOption) for text in one.opts}
        return super().parse_args(ctx, list(spread_values(args, options, ctx)))


def spread_values(words: Sequence[str], options: Mapping[str, ListOption], context: click.Context) -> Iterator[str]:
    """The words with `--option a b` written as `--option a --option b`, and an option without values as `--option=`."""
    place = 0
    while place < len(words):
        word, place = words[place], place + 1
        if word == "--":
            yield from words[place - 1 :]
            return
        if word not in options:
            yield word
            continue
        first = place
        while place < len(words) and not words[place].startswith("-"):
            yield from (word, words[place])
            place += 1
        if place == first:
            if not options[word].allow_empty:
                raise click.BadOptionUsage(word, f"{word} must have a value, got none", context)
            yield f"{word}="


class LazyGroup(_ShortHelpOption, click.Group):
    """A group of commands whose modules are imported when they are called.

    `lazy` maps the name of a command to the place of its `click.Command`, "module:attribute", and a line of help.
    """

    def __init__(self, *, lazy: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(**settings)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self.lazy:
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.lazy and not name.startswith("-"):
            raise click.UsageError(f"COMMAND must be one of {', '.join(self.lazy)}, got {name!r}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.lazy.items()])


def list_option(*declarations: str, **settings: Any) -> Callable[[Any], Any]:
    """`click.option` for a `ListOption`."""
    return click.option(*declarations, cls=ListOption, **settings)


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")
