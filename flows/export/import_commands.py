"""`semflow import annotations FILE`: corrections of boxes, identities and classes, made in CVAT or another tool."""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import click
import numpy as np

from flows.cli.command_options import JSON_OPTION, LazyGroup, ValuesCommand
from flows.engine.project import Project
from flows.engine.storage import Storage
from flows.export.annotated_boxes import AnnotatedFilm
from flows.export.derive_corrections import derive_corrections
from flows.export.export_source import ExportSource
from flows.export.film_tracks import place_in_film, select_classes
from flows.export.read_coco import read_coco
from flows.export.read_cvat import read_cvat
from flows.maintenance.terminal_dialog import open_project, print_answer, resolve_videos
from tasks.artifacts.corrections import Correction, Corrections, join_corrections
from tasks.artifacts.tracks import Tracks
from tasks.atomic_file import write_text_atomically
from tasks.content_hash import md5_file
from tasks.errors import BadInput, SemflowError

COMMANDS = {
    "annotations": (
        "flows.export.import_commands:annotations_command",
        "corrections of tracks, from CVAT's XML for video or COCO JSON",
    ),
}
WORDS = {
    "identity": ("identity corrected", "identities corrected"),
    "class": ("class changed", "classes changed"),
    "delete": ("object with boxes deleted", "objects with boxes deleted"),
    "move": ("box moved", "boxes moved"),
    "add": ("box added", "boxes added"),
}
"""Kind of correction to words for one and for several."""
READERS: Mapping[str, Callable[[Path], list[AnnotatedFilm]]] = {".xml": read_cvat, ".json": read_coco}


@click.group(cls=LazyGroup, lazy=COMMANDS)
@JSON_OPTION
def command(as_json: bool) -> None:
    """Take in what people made with other tools; `semflow run` then runs what reads it."""
    del as_json


@click.command(cls=ValuesCommand)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--video", metavar="VIDEO", help="the video that FILE is about, where its name does not say")
@click.option("--against-present", is_flag=True, help="compare with the present tracks, not with those exported")
@JSON_OPTION
def annotations_command(*, file: Path, video: str | None, against_present: bool, as_json: bool) -> int:
    """Write data/corrections/VIDEO.json from the differences between FILE and the tracks that were exported.

    FILE is CVAT's "CVAT for video 1.1" (.xml) or COCO JSON with track_id. The next `semflow run` applies the
    corrections: track and what reads it run again for these videos, nothing else.
    """
    if file.suffix.lower() not in READERS:
        raise SemflowError(
            f"FILE must end in {' or '.join(READERS)}, got {file.name}; export it in one of these formats"
        )
    films = READERS[file.suffix.lower()](file)
    project = open_project()
    try:
        named = [(find_video(project, film, video), film) for film in films]
        # All are derived before any is written: where one film is refused nothing is imported.
        made = [derive_film(ExportSource(project, name), film, against_present) for name, film in named]
        found = {name: write_corrections(one) for (name, _), one in zip(named, made, strict=True)}
    finally:
        project.close()
    answer = {"videos": {name: count_differences(made) for name, made in found.items()}, "good": True}
    print_answer(answer, _describe(found), as_json=as_json)
    return 0


def find_video(project: Project, film: AnnotatedFilm, typed: str | None) -> str:
    """The video of the project that `film` is about: the one `typed`, else by its name; SemflowError for none."""
    if typed is not None:
        return resolve_videos(project, [typed])[0]
    base = PurePath(film.name).name
    for video in project.videos.values():
        if film.name in (video.name, video.relative, video.flat_stem):
            return video.name
    same = [video.name for video in project.videos.values() if base in (PurePath(video.relative).name, video.name)]
    if len(same) == 1:
        return same[0]
    raise SemflowError(f"FILE must name a video of the data set, got {film.name!r}; name it with --video")


@dataclass(frozen=True, eq=False)
class FilmCorrections:
    """What an import makes of one film."""

    path: Path
    """Of the file of corrections."""
    joined: Corrections
    """The file's new value: those of other exports stay."""
    new: Sequence[Correction]


def derive_film(source: ExportSource, film: AnnotatedFilm, against_present: bool = False) -> FilmCorrections:
    """The corrections of one video in place of those of the same export."""
    present = source.path(Tracks)
    tracks, base = source.load(Tracks), md5_file(present)
    if film.base and film.base != base and not against_present:
        tracks, base = _load_exported(source, film.base), film.base
    width, height = source.timeline.film_size
    found = derive_corrections(
        place_in_film(select_classes(tracks, film.classes), source.timeline),
        dataclasses.replace(scale_film(film, width, height), name=source.name),
        base,
    )
    path = Corrections.path(source.project.root, source.name)
    return FilmCorrections(
        path, Corrections(width, height, join_corrections(Corrections.open(path), base, found)), found
    )


def write_corrections(made: FilmCorrections) -> Sequence[Correction]:
    """Write the file, or delete it where nothing is to be corrected; gives the new corrections."""
    if made.joined.corrections:
        write_text_atomically(made.path, made.joined.to_json())
    else:
        made.path.unlink(missing_ok=True)
    return made.new


def scale_film(film: AnnotatedFilm, width: int, height: int) -> AnnotatedFilm:
    """The annotations in pixels of a film of this size; BadInput where it has other proportions."""
    across, down = width / film.width, height / film.height
    if abs(across * film.height - height) > max(across, 1):
        raise BadInput(
            f"the annotations must be of a film with the proportions {width}x{height}, got {film.width}x{film.height}; "
            "is it the right video?"
        )
    scale = np.array([across, down, across, down])
    boxes = [dataclasses.replace(box, xyxy=tuple((np.array(box.xyxy) * scale).tolist())) for box in film.boxes]
    return dataclasses.replace(film, boxes=boxes, width=width, height=height)


def count_differences(made: Sequence[Correction]) -> dict[str, int]:
    """Number of corrections of each kind; of moved and added boxes, the boxes."""
    counts: Counter[str] = Counter()
    for one in made:
        counts[one.kind] += 1 if one.boxes is None else len(one.boxes)
    return dict(counts)


def _load_exported(source: ExportSource, md5: str) -> Tracks:
    """The tracks that were exported, from DVC's cache or remote; SemflowError where neither has them."""
    storage = Storage.open(source.project.root)
    try:
        if storage is not None and storage.ensure_local([md5]):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "tracks.parquet"
                if storage.objects.restore_file(md5, path):
                    return Tracks.load(path)
    except ValueError:
        pass  # no hash
    raise SemflowError(
        f"the tracks of {source.name} that were exported ({md5[:8]}) must be here or in DVC's cache, got none; pull "
        "them, or compare with the present ones: --against-present"
    )


def _describe(found: Mapping[str, Sequence[Correction]]) -> Iterator[str]:
    for name, made in found.items():
        counts = count_differences(made)
        text = ", ".join(f"{count:,} {WORDS[kind][count != 1]}" for kind, count in counts.items())
        yield f"{name}: {text or 'as exported, nothing to correct'}"
    if any(found.values()):
        yield "`semflow run` applies them: track and what reads it run again for these videos"
