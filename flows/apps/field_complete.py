"""Propagates label masks of a few frames to all: `semflow field complete VIDEO [--labels DIR|FILE...] [--every N]`.

Labels are masks named by their frame (000120.png), points and class names, in the form of
tasks/artifacts/field_labels.py; without `--labels` those in `data/labels/<video>/`. Written: a palette PNG per map and
names.txt, which can be used as labels again; `confidences.csv`; the field as Parquet; an overlay video.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from flows.apps.field_output import FieldOutput, list_readable_frames, open_output, report_progress
from flows.apps.object_queries import warp_map
from flows.apps.video_artifacts import VideoArtifacts
from flows.apps.video_writer import write_image_video
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
    artifacts = VideoArtifacts.find(video)
    with show_progress(), open_output("complete", artifacts, out, as_json=as_json) as output:
        seeds = load_labels(labels, artifacts, output.folder)
        field = fit_labels(artifacts, seeds, every, output.folder / FIELD_FILE)
        write_output(output, artifacts, field)
    return 0


def load_labels(paths: Sequence[str] | None, artifacts: VideoArtifacts, scratch: Path) -> FieldLabels:
    """The labels in `paths`, or else those of the video; SemflowError where no frame is labelled."""
    labels = artifacts.labels if paths is None else read_labels(paths, scratch)
    if not labels.frames:
        where = FieldLabels.path(Path(), artifacts.video) if paths is None else " ".join(paths)
        raise SemflowError(
            f"--labels must be masks named after their frames (000120.png) or points.csv, got none in {where}; "
            "see data/labels/README.md"
        )
    return labels


def read_labels(paths: Sequence[str], scratch: Path) -> FieldLabels:
    """Labels of one folder, or of several files, which are copied into one folder below `scratch`."""
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


def fit_labels(artifacts: VideoArtifacts, labels: FieldLabels, every: int, path: Path) -> SemanticField:
    """The semantic field of the labels; SemflowError where a label does not fit the video, or none is usable."""
    from tasks.fit_field.fit_windows import fit_semantic_field

    if every < 1:
        raise SemflowError(f"--every must be 1 or more, got {every}")
    params = artifacts.params.model_copy(update={"labels": "user", "frame_stride": every})
    try:
        field = fit_semantic_field(artifacts.make_inputs(labels), params).to(path)
    except BadInput as error:
        raise SemflowError(
            f"{error}; see `semflow plan` for the frames of {artifacts.video!r} and mend the labels"
        ) from None
    if not len(field):
        raise SemflowError(f"labels must say something of a whole frame, got none that does: {field.metadata.reason}")
    return field


def write_output(output: FieldOutput, artifacts: VideoArtifacts, field: SemanticField) -> None:
    """Write masks, confidences and the overlay video of a field, and fill the summary."""
    shutil.rmtree(output.folder / "given", ignore_errors=True)
    write_masks(output.folder / MASK_FOLDER, artifacts, field)
    write_confidences(output.folder / CONFIDENCE_FILE, field)
    numbers = list_readable_frames(artifacts.frames)
    reported = report_progress(numbers, len(numbers), "overlay")
    write_image_video(output.folder / OVERLAY_FILE, artifacts.frames, numbers, draw_overlay(artifacts, field, reported))
    output.summary.update(
        {
            "maps": len(field),
            "given": int(field.given.sum()),
            "confidence": round(float(field.mean_confidence[~field.given].mean()), 3) if not field.given.all() else 1.0,
            "classes": [one.name for one in field.metadata.classes],
        }
    )


def write_masks(folder: Path, artifacts: VideoArtifacts, field: SemanticField) -> None:
    """Write a palette PNG per map, whose pixel values are the classes, and names.txt."""
    from PIL import Image as Picture

    folder.mkdir()
    palette = [channel for one in artifacts.choose_paints(field) for channel in one.rgb]
    palette[:3] = [0, 0, 0]
    for found in iterate_maps(field):
        picture = Picture.fromarray(found.label).convert("P")
        picture.putpalette(palette)
        picture.save(folder / f"{found.frame:06d}.png", optimize=True)
    names = "".join(f"{one.name}\n" for one in field.metadata.classes)
    (folder / "names.txt").write_text(names, encoding="utf-8")


def write_confidences(path: Path, field: SemanticField) -> None:
    """Write a CSV row per map: mean confidence, and the share of the pixels of each class."""
    names = [one.name for one in field.metadata.classes]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["frame", "given", "confidence", *(f"share of {name}" for name in names)])
        for found in iterate_maps(field):
            shares = np.bincount(found.label.ravel(), minlength=len(names)) / found.label.size
            mean = found.confidence.mean(dtype=np.float64)
            rows.writerow([found.frame, int(found.given), f"{mean:.3f}", *(f"{share:.4f}" for share in shares)])


def iterate_maps(field: SemanticField) -> Iterator[FieldMap]:
    """The maps of the field in order, each read when it is asked for."""
    return map(field.map, range(len(field)))


def draw_overlay(artifacts: VideoArtifacts, field: SemanticField, numbers: Iterator[int]) -> Iterator[Image]:
    """Images of the frames `numbers`, with the map nearest in time, warped to them by dense flow, laid over them."""
    from tasks.report.field_paint import paint_label_map

    paints = artifacts.choose_paints(field)
    spacing = np.median(np.diff(field.frames)) if len(field) > 1 else 1
    for frame in numbers:
        image, found = artifacts.frames.image(frame), field.nearest(frame)
        if found is not None and abs(found.frame - frame) < spacing:
            label = warp_map(artifacts, found.label, found.frame, frame)
            confidence = warp_map(artifacts, found.confidence, found.frame, frame)
            if label is not None and confidence is not None:
                image = paint_label_map(image, label, confidence, paints)
        yield image
