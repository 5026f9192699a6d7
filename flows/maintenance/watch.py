"""`semflow watch`: process videos as they are put into data/raw, videos.yaml or an inbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from flows.cli.command_options import ValuesCommand
from flows.engine.inbox import Intake, fetch_inbox
from flows.engine.item_state import list_stale
from flows.engine.outcome import Summary
from flows.engine.plan import Plan, select_items
from flows.engine.project import Project, find_root
from flows.engine.settled_videos import find_unsettled
from tasks.errors import SemflowError

MIN_INTERVAL_S = 1.0


@click.command(cls=ValuesCommand)
@click.option("--every", default=10.0, show_default=True, help="seconds between two looks")
@click.option("--inbox", metavar="URL", help="fetch new films from there into data/raw: s3://bucket/incoming")
def command(every: float, inbox: str | None) -> int:
    """Process new and changed videos as soon as they are there, until Ctrl-C; files that are still copied wait."""
    from flows.cli.console import show_summary
    from flows.cli.display import choose_display
    from flows.cli.run_forecast import ForecastNotice
    from flows.engine.film_lengths import measure_new_films
    from flows.engine.run import run_stale_items

    root = find_root(Path.cwd())

    def run(project: Project, videos: Sequence[str]) -> Summary:
        measure_new_films(project.state, project.videos)
        # Before the display, which draws over the terminal.
        notice = ForecastNotice(project, lambda line: click.echo(line, nl=False))
        with choose_display() as display:
            summary = run_stale_items(project, videos, observers=[notice, display])
        show_summary(None, summary, [declaration.name for declaration in project.declarations])
        return summary

    look = _make_look(root, inbox)
    click.echo(f"watching {root / 'data/raw'}{f' and {inbox}' if inbox else ''}; stop with Ctrl-C")
    try:
        while True:
            look()
            project = Project.open(root, fetch=True)
            summary = process_settled(project, run)
            project.close()
            if summary is not None and summary.interrupted:
                return 128 + summary.interrupted
            time.sleep(max(every, MIN_INTERVAL_S))
    except KeyboardInterrupt:
        return 130


def _make_look(root: Path, inbox: str | None) -> Callable[[], None]:
    """A function that fetches what is new in the inbox; it says what comes, and says trouble once, until it changes."""
    said: set[str] = set()

    def look() -> None:
        if inbox is None:
            return
        try:
            intake = fetch_inbox(root, inbox)
        except SemflowError as error:
            intake = Intake(refused=(str(error),))
        for relative in intake.fetched:
            click.echo(f"fetched {relative}")
        for line in sorted(set(intake.refused) - said):
            click.echo(line, err=True)
        said.clear()
        said.update(intake.refused)

    return look


def process_settled(
    project: Project,
    run: Callable[[Project, Sequence[str]], Summary],
    pause: Callable[[float], None] = time.sleep,
) -> Summary | None:
    """Run the stale items of all videos whose files are complete; None where there is nothing to do."""
    states = select_items(Plan.examine_project(project))
    waiting = {item.video for item in list_stale(states) if item.video in project.videos}
    if not waiting:
        return None
    unsettled = set(find_unsettled(project, pause))
    ready = [name for name in project.videos if name not in unsettled]
    return run(project, ready) if waiting - unsettled else None
