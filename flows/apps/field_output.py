"""The result folder of a `semflow field` command, which appears complete or not at all, and the printed summary."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flows.apps.video_artifacts import VideoArtifacts
from flows.engine.atomic_files import PARTIAL_FOLDER, make_partial_path, move_into_place
from tasks.artifacts.frames import Frames
from tasks.errors import SemflowError
from tasks.progress import track_progress

SUMMARY_FILE = "about.json"
"""In every folder that these commands write, so that no other folder is ever replaced."""


@dataclass(frozen=True)
class FieldOutput:
    """A result folder while it is written."""

    folder: Path
    """Temporary; moved to `final` at the end."""
    final: Path
    summary: dict[str, Any] = field(default_factory=dict[str, Any])
    """Facts about the result: written to SUMMARY_FILE and printed."""


@contextlib.contextmanager
def open_output(name: str, video: VideoArtifacts, out: Path | None, *, as_json: bool) -> Generator[FieldOutput]:
    """A folder to write to: moved into place and summarised on the screen at the end, deleted after an error.

    It is `out`, or else `field/<video>/<name>/`. SemflowError where `out` holds files of somebody else.
    """
    final = out or video.root / "field" / video.video / name
    if final.exists() and not (final.is_dir() and ((final / SUMMARY_FILE).is_file() or not any(final.iterdir()))):
        raise SemflowError(f"--out must be a new or an empty folder, or one made by this command, got {final}")
    try:
        with make_partial_path(final, final.parent) as folder:
            folder.mkdir()
            output = FieldOutput(folder, final, {"command": f"field {name}", "video": video.video})
            yield output
            (folder / SUMMARY_FILE).write_text(json.dumps(output.summary, indent=1) + "\n", encoding="utf-8")
            move_into_place(folder, final)
    finally:
        with contextlib.suppress(OSError):  # another command may be writing beside it
            (final.parent / PARTIAL_FOLDER).rmdir()
    print_output(output, as_json=as_json)


def print_output(output: FieldOutput, *, as_json: bool) -> None:
    """Print the summary, the folder and, as JSON, the files in it."""
    if as_json:
        files = sorted(path.relative_to(output.final).as_posix() for path in output.final.rglob("*") if path.is_file())
        text = json.dumps({**output.summary, "folder": str(output.final), "files": files}, indent=1)
    else:
        lines = [f"{name}: {value}" for name, value in output.summary.items() if name not in {"command", "video"}]
        text = "\n".join([*lines, f"in {output.final}"])
    print(text)  # noqa: T201


def list_readable_frames(frames: Frames) -> list[int]:
    """Numbers of the frames that were decoded without damage; SemflowError where there are none."""
    found = np.flatnonzero(frames.ok).tolist()
    if not found:
        raise SemflowError(f"VIDEO must have a whole frame, got none in {frames.decode_report.file}; name another")
    return found


def report_progress(items: Iterable[int], total: int, what: str) -> Iterator[int]:
    """The items, each reported to the progress display when it is done (tasks/progress.py)."""
    with track_progress("field", what, total) as step:
        for item in items:
            yield item
            step("")
