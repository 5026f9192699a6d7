"""`semflow check`: what every file of the data set is, and what will be taken of it, before hours are spent."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.command_options import JSON_OPTION, ValuesCommand, print_json
from flows.cli.text_formatting import escape_controls, format_duration
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.engine.raw_files import SkippedFile
    from tasks.decode.inspect_video import VideoCheck

MAX_SKIPPED = 10
"""Most skipped files that are listed on a terminal; `--json` has all."""


@dataclass(frozen=True)
class FileCheck:
    """One file of the data set."""

    video: str
    """Its name in commands."""
    file: str
    """Path below data/raw, or the path that videos.yaml gives."""
    check: VideoCheck | None
    """What it is; None where it cannot be taken."""
    problem: str = ""
    """Why it cannot be taken, and what to do."""


@dataclass(frozen=True)
class DatasetCheck:
    """All files, and those that were passed over."""

    files: tuple[FileCheck, ...]
    absent: tuple[str, ...]
    """Videos of the data set whose file is not on this machine."""
    unreached: Mapping[str, str]
    """Of these, the films at addresses, with the reason."""
    skipped: tuple[SkippedFile, ...]
    unreadable: tuple[SkippedFile, ...]
    seconds: float
    """Time that the check took."""

    @property
    def is_good(self) -> bool:
        """Whether every file can be taken."""
        return not self.unreadable and all(file.check is not None for file in self.files)

    @property
    def film_s(self) -> float:
        """Length of all films, seconds."""
        return sum(file.check.duration_s for file in self.files if file.check is not None)

    def as_json(self) -> Mapping[str, Any]:
        """The check as `--json` prints it."""
        return {
            "videos": [asdict(file) for file in self.files],
            "absent": list(self.absent),
            "unreached": dict(self.unreached),
            "skipped": [asdict(one) for one in self.skipped],
            "unreadable": [asdict(one) for one in self.unreadable],
            "film_s": self.film_s,
            "seconds": self.seconds,
            "good": self.is_good,
        }


@click.command(cls=ValuesCommand)
@click.argument("videos", nargs=-1, metavar="[VIDEO]...")
@JSON_OPTION
def command(*, videos: tuple[str, ...], as_json: bool) -> int:
    """Read every file quickly and say what it is, what will be taken of it, and what is damaged or skipped.

    Packets are read and not decoded. The exit code is 1 where a file cannot be taken.
    """
    from flows.engine.project import find_root

    checked = check_dataset(find_root(Path.cwd()), videos)
    if as_json:
        print_json(checked.as_json())
    else:
        show_check(checked)
    return 0 if checked.is_good else 1


def check_dataset(root: Path, videos: Sequence[str] = ()) -> DatasetCheck:
    """What every file in data/raw and videos.yaml is, or those of the named `videos` alone."""
    from flows.engine.film_addresses import MAX_ANSWER_AGE_S
    from flows.engine.project import Project
    from flows.engine.raw_files import list_raw_files
    from flows.engine.video_names import resolve_video_name
    from tasks.decode.params import DecodeParams

    started = time.perf_counter()
    listing = list_raw_files(root)
    project = Project.open(root, max_answer_age_s=MAX_ANSWER_AGE_S)  # servers have just been asked
    try:
        known = {video.relative: video.name for video in project.videos.values()}
        wanted = {resolve_video_name(known, typed) for typed in videos} or set(project.videos)
        max_side = project.params.get_section(DecodeParams).max_side
        chosen = [project.videos[name] for name in sorted(wanted)]
    finally:
        project.close()
    if not chosen and not listing.skipped and not listing.unreadable:
        raise SemflowError(
            "data/raw must hold at least one video, got none; put files there, or name them in videos.yaml"
        )
    files = tuple(_check_file(video.name, video.file, max_side) for video in chosen if video.file is not None)
    return DatasetCheck(
        files,
        tuple(video.name for video in chosen if video.file is None),
        {known[one.relative]: one.reason for one in listing.unreached if known.get(one.relative) in wanted},
        listing.skipped if not videos else (),
        listing.unreadable if not videos else (),
        time.perf_counter() - started,
    )


def _check_file(name: str, file: Path, max_side: int | None) -> FileCheck:
    from tasks.decode.film_address import name_film
    from tasks.decode.inspect_video import inspect_video

    shown = name_film(file)
    try:
        return FileCheck(name, shown, inspect_video(file, max_side))
    except SemflowError as error:  # also a film that changes on its server meanwhile
        return FileCheck(name, shown, None, str(error))
    except OSError as error:
        words = f"{file} cannot be read: {error.strerror}" if error.strerror else str(error)
        return FileCheck(name, shown, None, words)


def show_check(checked: DatasetCheck) -> None:
    """Print a line for each file, then what was passed over and why."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False)
    for title in ("video", "what", "size", "stored", "fps", "length", "remarks"):
        table.add_column(title, justify="right" if title in ("fps", "length") else "left", overflow="fold")
    for file in (file for file in checked.files if file.check is not None):
        table.add_row(*(Text(cell) for cell in _make_cells(file)))
    if table.row_count:
        console.print(table)
    lines = [f"not taken: {file.problem}" for file in checked.files if file.check is None]
    lines += [f"not taken: {one.relative or 'data/raw'} {one.reason}" for one in checked.unreadable]
    lines += [
        f"not here: {name}; its results stay, {checked.unreached.get(name, 'its file is elsewhere')}"
        for name in checked.absent
    ]
    lines += [f"skipped: {one.relative}, {one.reason}" for one in checked.skipped[:MAX_SKIPPED]]
    if len(checked.skipped) > MAX_SKIPPED:
        lines.append(f"skipped: {len(checked.skipped) - MAX_SKIPPED} more, no videos either (`--json` lists them)")
    taken = sum(file.check is not None for file in checked.files)
    lines.append(
        f"{taken} of {len(checked.files)} files are videos that will be taken: {format_duration(checked.film_s)} of "
        f"film, checked in {format_duration(checked.seconds)}"
    )
    for line in lines:
        console.print(escape_controls(line), markup=False, highlight=False, soft_wrap=True)


def _make_cells(file: FileCheck) -> Iterable[str]:
    check = file.check
    assert check is not None
    kinds = [
        f"turned by {check.rotation_deg}°" if check.rotation_deg else "",
        "interlaced" if check.interlaced else "",
        f"HDR ({check.hdr})" if check.hdr else "",
    ]
    return (
        escape_controls(file.video),
        f"{check.codec} in {_name_container(check.container, file.file)}",
        f"{check.source_width}x{check.source_height}",
        f"{check.width}x{check.height}",
        f"{check.fps:.4g}",
        format_duration(check.duration_s),
        "; ".join(word for word in (*kinds, *check.notes) if word),
    )


def _name_container(names: str, file: str) -> str:
    """One of FFmpeg's names of a format: that of the file's ending where it is among them."""
    known, ending = names.split(","), file.rpartition(".")[2].lower()
    return ending if ending in known else known[0]
