"""What each command of `semflow` does: read its options, call one function, show what came back, give the exit code.

Everything heavy is imported in the command that needs it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.outcome import Summary
    from flows.engine.plan import ItemState
    from flows.engine.project import Project


def run(arguments: argparse.Namespace) -> int:
    """Make everything that is stale, mirrored in Prefect, and record it in DVC."""
    from flows.cli.display import choose_display
    from flows.cli.import_videos import take_in
    from flows.engine.project import find_root
    from flows.engine.run import run_stale_items
    from flows.prefect_door.engine_adapter import mirror_run

    root = find_root(Path.cwd())
    videos = take_in(root, arguments.videos) if arguments.videos else None
    project = _open(root, fetch=True)
    if not project.videos:
        raise SemflowError(
            "data/raw must hold at least one video, got none; put files there, name some with "
            "`semflow run --videos 'folder/*.mp4'`, or fetch samples with `semflow samples`"
        )
    with mirror_run(project, videos) as mirror:
        with choose_display(quiet=arguments.quiet, json=arguments.json) as display:
            summary = run_stale_items(
                project, videos, observers=[display, mirror], retry_failed=arguments.retry_failed, pull=arguments.pull
            )
        return _finish(arguments, project, summary)  # before Prefect is waited for


def plan(arguments: argparse.Namespace) -> int:
    """Show what would run, and why."""
    from flows.engine.plan import Plan

    project = _open(fetch=True)
    return _show_states(arguments, list(Plan.make(project).states.values()), project, every=arguments.all)


def why(arguments: argparse.Namespace) -> int:
    """Say why items of one video are stale."""
    from flows.engine.plan import Plan, select_items
    from flows.engine.video_names import resolve_video_name

    project = _open(fetch=True)
    video = resolve_video_name({v.relative: v.name for v in project.videos.values()}, arguments.video)
    names = [declaration.name for declaration in project.declarations]
    if arguments.stage is not None and arguments.stage not in names:
        raise SemflowError(f"stage must be one of {', '.join(names)}, got {arguments.stage!r}")
    states = select_items(Plan.make(project), [video]).values()
    chosen = [state for state in states if arguments.stage in (None, state.item.stage)]
    return _show_states(arguments, chosen, project, every=True)


def stage(arguments: argparse.Namespace) -> int:
    """Make one stage over all videos: what DVC calls."""
    from flows.cli.display import choose_display
    from flows.engine.run import run_stale_items

    project = _open(fetch=True)
    names = [declaration.name for declaration in project.declarations]
    if arguments.name not in names:
        raise SemflowError(f"stage must be one of {', '.join(names)}, got {arguments.name!r}")
    with choose_display(json=arguments.json) as display:
        summary = run_stale_items(project, stages=[arguments.name], observers=[display], record=False, pull=True)
    code = _finish(arguments, project, summary)
    return 0 if arguments.keep_going and summary.settled else code


def doctor(arguments: argparse.Namespace) -> int:
    """Check the machine; 1 where something is not as it must be."""
    from flows.cli.doctor import examine_machine

    lines = examine_machine(Path.cwd())
    if arguments.json:
        print_json({"checks": [line.as_json() for line in lines], "good": all(line.ok for line in lines)})
    else:
        console = _console()
        for line in lines:
            mark = "[green]ok[/]  " if line.ok else "[bold red]no[/]  "
            console.print(f"{mark}{line.name}: ", end="")
            console.print(line.words, markup=False, highlight=False)
    return 0 if all(line.ok for line in lines) else 1


def samples(arguments: argparse.Namespace) -> int:
    """Fetch the sample clips."""
    from flows.cli.sample_videos import fetch_samples
    from flows.engine.project import find_root

    clips = [str(path) for path in fetch_samples(find_root(Path.cwd()), more=arguments.more)]
    if arguments.json:
        print_json({"clips": clips})
    else:
        _console().print("\n".join(clips), highlight=False)
    return 0


def dvc(arguments: argparse.Namespace) -> int:
    """Write dvc.yaml where it is not fresh."""
    from flows.engine.dvc_yaml import render_dvc_yaml
    from flows.engine.stage_graph import refresh_graph_page
    from tasks.content_hash import write_atomically

    project = _open()
    path = project.root / "dvc.yaml"
    text = render_dvc_yaml(project)
    changed = not path.is_file() or path.read_text(encoding="utf-8") != text
    if changed:
        write_atomically(path, text)
    refresh_graph_page(project.root, project.declarations)
    if arguments.json:
        print_json({"dvc.yaml": "written" if changed else "fresh"})
    else:
        _console().print(f"{path}: {'written' if changed else 'is fresh'}", highlight=False)
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    """Score stage functions against ground truth."""
    from flows.cli.console_scores import show_scores
    from flows.cli.display import shown_progress

    if "data" in arguments and not arguments.data.is_dir():
        raise SemflowError(f"--data must be a folder, got {arguments.data}")
    with shown_progress():
        scores = module(arguments.module).evaluate(arguments, _open().params)
    if arguments.json:
        print_json(scores.as_json())
    else:
        show_scores(_console(), scores)
    return 0


def more(arguments: argparse.Namespace) -> int:
    """Run a command that has a module of its own."""
    return module(arguments.module).run(arguments)


def module(name: str) -> Any:
    """The module `name` of flows."""
    return importlib.import_module(f"flows.{name}")


def print_json(value: Any) -> None:
    """One JSON value on stdout."""
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")


def _open(root: Path | None = None, *, fetch: bool = False) -> Project:
    from flows.engine.project import Project, find_root

    return Project.open(root or find_root(Path.cwd()), fetch=fetch)


def _show_states(arguments: argparse.Namespace, states: list[ItemState], project: Project, *, every: bool) -> int:
    from flows.cli.console import PlanLine, plan_counts, show_plan
    from flows.engine.timings import DurationEstimates

    timings = DurationEstimates.read(project.state)
    lines = [
        PlanLine(
            state.item,
            state.standing,
            state.reason,
            timings.expect(state.item) if state.standing == "stale" else None,
            sum(size for files in state.outputs.values() for _, size in files.values()),
        )
        for state in states
    ]
    if arguments.json:
        items = [
            {
                "video": line.item.video,
                "stage": line.item.stage,
                "state": line.standing,
                "why": line.reason,
                "expected_s": line.expected_s,
                "bytes": line.bytes,
            }
            for line in lines
        ]
        print_json({"items": items, "counts": plan_counts(lines), "notes": list(project.notes)})
    else:
        show_plan(None, lines, [declaration.name for declaration in project.declarations], every)
        for note in project.notes:
            sys.stdout.write(f"{note}\n")
    project.close()
    return 0 if all(line.standing in ("fresh", "remote", "stale") for line in lines) else 1


def _finish(arguments: argparse.Namespace, project: Project, summary: Summary) -> int:
    from flows.cli.console import show_summary

    if arguments.json:
        print_json(summary.as_json())
    else:
        shown = {outcome.stage for outcome in summary.outcomes}
        show_summary(None, summary, [d.name for d in project.declarations if d.name in shown])
    project.close()
    if summary.interrupted:
        return 128 + summary.interrupted
    return 0 if summary.good else 1


def _console() -> Any:
    from rich.console import Console

    return Console()
