"""What `semflow field` leaves: a folder that appears whole or not at all, films, and a line that says so."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flows.apps.video_artifacts import VideoArtifacts
from flows.engine.atomic_files import PARTIAL_FOLDER, make_partial_path, move_into_place
from tasks.arrays import Image
from tasks.artifacts.frames import Frames
from tasks.errors import SemflowError
from tasks.progress import track_progress

CRF, PRESET = 23, "veryfast"  # as the report's overlay
SUMMARY_FILE = "about.json"
"""In every folder that was made here, so that no other is ever replaced."""


@dataclass(frozen=True)
class FieldOutput:
    """A folder in the making."""

    folder: Path
    final: Path
    said: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the command has to say: goes into ABOUT and to the screen."""


@contextlib.contextmanager
def open_output(name: str, shelf: VideoArtifacts, out: Path | None, *, as_json: bool) -> Generator[FieldOutput]:
    """A folder to write to; at the end it takes its place and the user is told, after an error nothing is left."""
    final = out or shelf.root / "field" / shelf.video / name
    if final.exists() and not (final.is_dir() and ((final / SUMMARY_FILE).is_file() or not any(final.iterdir()))):
        raise SemflowError(f"--out must be a new or an empty folder, or one made by this command, got {final}")
    try:
        with make_partial_path(final, final.parent) as folder:
            folder.mkdir()
            made = FieldOutput(folder, final, {"command": f"field {name}", "video": shelf.video})
            yield made
            (folder / SUMMARY_FILE).write_text(json.dumps(made.said, indent=1) + "\n", encoding="utf-8")
            move_into_place(folder, final)
    finally:
        with contextlib.suppress(OSError):  # another command may be writing beside it
            (final.parent / PARTIAL_FOLDER).rmdir()
    show(made, as_json=as_json)


def show(made: FieldOutput, *, as_json: bool) -> None:
    """What was made, and where it is."""
    if as_json:
        files = sorted(path.relative_to(made.final).as_posix() for path in made.final.rglob("*") if path.is_file())
        said = json.dumps({**made.said, "folder": str(made.final), "files": files}, indent=1)
    else:
        facts = [f"{name}: {value}" for name, value in made.said.items() if name not in {"command", "video"}]
        said = "\n".join([*facts, f"in {made.final}"])
    print(said)  # noqa: T201


def write_film(path: Path, frames: Frames, numbers: Sequence[int], pictures: Iterable[Image]) -> None:
    """An MP4 of a picture for each of the frames `numbers`, at their times."""
    from tasks.report.overlay.drawing_canvas import Canvas
    from tasks.report.overlay.encode_video import VideoEncoding, encode_video

    canvas = Canvas(frames.width, frames.height)
    times = frames.pts_s[np.asarray(numbers, np.intp)]
    times = times - times[:1]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    encoding = VideoEncoding(canvas.even_width, canvas.even_height, 1 / step, CRF, PRESET)
    timed = zip(times.tolist(), map(canvas.prepare_image, pictures), strict=True)
    encode_video(path, timed, float(times[-1]) + step, encoding)


def list_readable_frames(frames: Frames) -> list[int]:
    """Frames that can be shown; SemflowError where there are none."""
    found = np.flatnonzero(frames.ok).tolist()
    if not found:
        raise SemflowError(f"VIDEO must have a whole frame, got none in {frames.decode_report.file}; name another")
    return found


def report_progress(items: Iterable[int], total: int, what: str) -> Iterator[int]:
    """The items; how far they are is told (tasks/track_progress.py)."""
    with track_progress("field", what, total) as step:
        for item in items:
            yield item
            step("")
