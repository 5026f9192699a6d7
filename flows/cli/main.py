"""The command `semflow`: which module holds each subcommand, and how errors become messages and exit codes."""

from __future__ import annotations

import logging
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from flows.cli.command_options import JSON_OPTION, LazyGroup, print_json
from tasks.errors import SemflowError

COMMANDS = {
    "init": ("flows.project_setup.init_command:command", "make a project in any folder"),
    "upgrade": ("flows.project_setup.upgrade_command:command", "bring a project to this version of semflow"),
    "run": (
        "flows.cli.commands:run_command",
        "compute everything that is stale, and record it in DVC",
    ),
    "check": (
        "flows.cli.check_videos:command",
        "read every file quickly: what it is, what will be taken, what is damaged",
    ),
    "plan": ("flows.cli.commands:plan_command", "show what would run, and why; computes nothing"),
    "why": ("flows.cli.commands:why_command", "explain why items of one video are stale"),
    "stage": ("flows.cli.commands:stage_command", "compute one stage for all videos: what `dvc repro` calls"),
    "status": ("flows.maintenance.status:command", "progress of a run, result of the last one, state of every item"),
    "view": ("flows.viewer.view_command:command", "open the reports in a browser, live while a run goes on"),
    "doctor": ("flows.cli.commands:doctor_command", "check versions, device, weights, disk, DVC and Prefect"),
    "samples": ("flows.cli.commands:samples_command", "fetch the sample clips into data/raw"),
    "dvc": ("flows.cli.commands:dvc_command", "write dvc.yaml from the stages"),
    "sql": ("flows.cli.data_commands:sql_command", "run an SQL query over the artifacts"),
    "describe": ("flows.cli.data_commands:describe_command", "print what an artifact holds and how to read it"),
    "trace": ("flows.versions.trace_command:command", "say where an artifact, or a row of it, came from"),
    "diff": ("flows.versions.diff_command:command", "compare two versions: what changed, and what it did to the data"),
    "pull": ("flows.maintenance.pull:command", "fetch recorded artifacts or raw videos; computes nothing"),
    "watch": ("flows.maintenance.watch:command", "process videos as they are put into data/raw"),
    "publish": ("flows.maintenance.publish:command", "push the recorded version, commit it, and push the commit"),
    "merge": ("flows.maintenance.merge:command", "git's merge driver for dvc.lock; --install sets it up"),
    "verify": ("flows.maintenance.verify:command", "read every byte, report what differs from the record"),
    "export": ("flows.export.command:command", "write artifacts in formats of other tools: MOT, COCO, CVAT, CSV, .flo"),
    "import": ("flows.export.import_commands:command", "take in what people made with other tools: annotations"),
    "remove": ("flows.maintenance.remove:command", "take videos out of the data set; --undo puts them back"),
    "forget": ("flows.maintenance.forget:command", "erase a video and everything made of it, and leave a proof"),
    "gc": ("flows.maintenance.collect_garbage:command", "list what nothing needs in DVC's cache; --yes drops it"),
    "field": ("flows.apps.field_commands:command", "use a semantic field: complete, track, remove, adapt"),
    "track-object": ("flows.apps.track_object:command", "track one object that you mark with a box"),
    "server": ("flows.agents.server_command:command", "start Prefect's server for runs on several machines"),
    "deploy": ("flows.agents.deploy_command:command", "register the scheduled run and its batches at the server"),
    "agent": ("flows.agents.agent_command:command", "compute batches of scheduled runs on this machine"),
    "eval": ("flows.cli.run_suite:command", "score stage functions against ground truth"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"max_content_width": 120})
@JSON_OPTION
def semflow(as_json: bool) -> None:
    """Semantic flow for video datasets: a folder of videos in, versioned features out."""
    del as_json


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 only when all is good, 2 for an error that the user can mend."""
    words = sys.argv[1:] if argv is None else list(argv)
    as_json = "--json" in words  # also where the words cannot be parsed
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        with semflow.make_context("semflow", words) as context:
            return semflow.invoke(context) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.exceptions.Exit as end:  # after --help
        return end.exit_code
    except BrokenPipeError:
        return 1
    except (Exception, KeyboardInterrupt) as error:
        text, code = _describe_error(error)
        if as_json:
            print_json({"error": text, "good": False})
        print(f"semflow: {text}", file=sys.stderr)  # noqa: T201
        return code


def _describe_error(error: BaseException) -> tuple[str, int]:
    """The message and the exit code: 2 for what the user can mend, 130 for Ctrl-C, else 1."""
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "semflow"
        return f"{error.format_message().rstrip('.')}; see `{path} --help`", 2
    if isinstance(error, SemflowError):
        return str(error), 2
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 130
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; see {_write_traceback()}", 1
    return f"this should not have happened, {type(error).__name__}: {error}; see {_write_traceback()}", 1


def _write_traceback() -> Path:
    """The file that the traceback of the current exception was appended to: .semflow/errors.log, or a temporary one."""
    for folder in (Path(".semflow"), Path(tempfile.gettempdir())):
        path = folder / "errors.log"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(traceback.format_exc() + "\n")
        except OSError:
            continue
        return path
    return Path("nothing: no file could be written")


if __name__ == "__main__":
    sys.exit(main())
