"""Labels on a few frames to all frames: `semflow field complete VIDEO [--labels DIR|FILE...] [--every N]`.

The labels are masks named after their frames (000120.png), and points and names as `tasks/artifacts/field_labels.py`
says; without `--labels` they are those in `data/labels/<video>/`. Left: a palette PNG per frame and names.txt, which
can serve as labels again, `confidences.csv`, the field as Parquet, and an overlay.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from flows.apps.field_output import FieldOutput, list_readable_frames, open_output, report_progress, write_film
from flows.apps.object_queries import warp_map
from flows.apps.video_artifacts import VideoArtifacts
from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.display import show_progress
from tasks.arrays import Image
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.semantic_field import FieldMap, SemanticField
from tasks.errors import BadInput, SemflowError

MASK_FOLDER, FIELD_FILE, CONFIDENCE_FILE, OVERLAY_FILE = "labels", "field.parquet", "confidences.csv", "overlay.mp4"


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@list_option("--labels", metavar="PATH", help="a folder, or files: masks like 000120.png, points.csv, names.txt")
@click.option("--every", type=int, default=1, metavar="N", help="every N-th frame gets a map; 1: all")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="folder for the files; default field/VIDEO/complete",
)
@JSON_OPTION
def command(*, video: str, labels: tuple[str, ...] | None, every: int, out: Path | None, as_json: bool) -> int:
    """Complete labels of a few frames to label maps of all frames."""
    shelf = VideoArtifacts.of(video)
    with show_progress(), open_output("complete", shelf, out, as_json=as_json) as made:
        seeds = load_labels(labels, shelf, made.folder)
        field = fit_labels(shelf, seeds, every, made.folder / FIELD_FILE)
        write_output(made, shelf, field)
    return 0


def load_labels(paths: Sequence[str] | None, shelf: VideoArtifacts, scratch: Path) -> FieldLabels:
    """The labels that were named, or the video's own; SemflowError where they say nothing."""
    labels = shelf.labels if paths is None else read_labels(paths, scratch)
    if not labels.frames:
        where = FieldLabels.path(Path(), shelf.video) if paths is None else " ".join(paths)
        raise SemflowError(
            f"--labels must be masks named after their frames (000120.png) or points.csv, got none in {where}; "
            "see data/labels/README.md"
        )
    return labels


def read_labels(paths: Sequence[str], scratch: Path) -> FieldLabels:
    """Labels of a folder, or of files, which are looked at as if they lay in one."""
    files = [Path(path) for path in paths]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise SemflowError(f"--labels must be files or a folder, got {', '.join(missing)}, which is not there")
    if len(files) == 1 and files[0].is_dir():
        return FieldLabels.load(files[0])
    folder = scratch / "given"
    folder.mkdir()
    for file in files:
        shutil.copy2(file, folder / file.name)
    return FieldLabels.load(folder)


def fit_labels(shelf: VideoArtifacts, labels: FieldLabels, every: int, path: Path) -> SemanticField:
    """The field of the labels; SemflowError where one does not fit the video, or where there is nothing to start."""
    from tasks.fit_field.fit_windows import fit_semantic_field as fit

    if every < 1:
        raise SemflowError(f"--every must be 1 or more, got {every}")
    params = shelf.params.model_copy(update={"labels": "user", "frame_stride": every})
    try:
        field = fit(shelf.inputs(labels), params).to(path)
    except BadInput as error:
        raise SemflowError(
            f"{error}; see `semflow plan` for the frames of {shelf.video!r} and mend the labels"
        ) from None
    if not len(field):
        raise SemflowError(f"labels must say something of a whole frame, got none that does: {field.metadata.reason}")
    return field


def write_output(made: FieldOutput, shelf: VideoArtifacts, field: SemanticField) -> None:
    """Everything that is to be seen of a field."""
    shutil.rmtree(made.folder / "given", ignore_errors=True)
    write_masks(made.folder / MASK_FOLDER, shelf, field)
    write_confidences(made.folder / CONFIDENCE_FILE, field)
    numbers = list_readable_frames(shelf.frames)
    going = report_progress(numbers, len(numbers), "overlay")
    write_film(made.folder / OVERLAY_FILE, shelf.frames, numbers, draw_overlay(shelf, field, going))
    made.said.update(
        {
            "maps": len(field),
            "given": int(field.given.sum()),
            "confidence": round(float(field.mean_confidence[~field.given].mean()), 3) if not field.given.all() else 1.0,
            "classes": [one.name for one in field.metadata.classes],
        }
    )


def write_masks(folder: Path, shelf: VideoArtifacts, field: SemanticField) -> None:
    """A palette PNG per map, the value is the class, and the names."""
    from PIL import Image as Picture

    folder.mkdir()
    palette = [channel for one in shelf.paints(field) for channel in one.rgb]
    palette[:3] = [0, 0, 0]
    for found in iterate_maps(field):
        picture = Picture.fromarray(found.label).convert("P")
        picture.putpalette(palette)
        picture.save(folder / f"{found.frame:06d}.png", optimize=True)
    names = "".join(f"{one.name}\n" for one in field.metadata.classes)
    (folder / "names.txt").write_text(names, encoding="utf-8")


def write_confidences(path: Path, field: SemanticField) -> None:
    """A row per map: how sure it is, and how much of it each class takes."""
    names = [one.name for one in field.metadata.classes]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["frame", "given", "confidence", *(f"share of {name}" for name in names)])
        for found in iterate_maps(field):
            shares = np.bincount(found.label.ravel(), minlength=len(names)) / found.label.size
            mean = found.confidence.mean(dtype=np.float64)
            rows.writerow([found.frame, int(found.given), f"{mean:.3f}", *(f"{share:.4f}" for share in shares)])


def iterate_maps(field: SemanticField) -> Iterator[FieldMap]:
    """All of them, one at a time."""
    return map(field.map, range(len(field)))


def draw_overlay(shelf: VideoArtifacts, field: SemanticField, numbers: Iterator[int]) -> Iterator[Image]:
    """Frames under the map nearest in time, carried along the flow, where one is near."""
    from tasks.report.field_paint import paint_label_map

    paints = shelf.paints(field)
    far = np.median(np.diff(field.frames)) if len(field) > 1 else 1
    for frame in numbers:
        image, found = shelf.frames.image(frame), field.nearest(frame)
        if found is not None and abs(found.frame - frame) < far:
            label = warp_map(shelf, found.label, found.frame, frame)
            sure = warp_map(shelf, found.confidence, found.frame, frame)
            if label is not None and sure is not None:
                image = paint_label_map(image, label, sure, paints)
        yield image
