"""Label maps from what is known of other videos: `semflow field adapt VIDEO --from OTHER... [--labels ...]`.

Cells of the other fields' given frames are the evidence: on a few frames of VIDEO each cell takes the label of the
cells most like it wherever they lie, where those agree and look alike enough. These labels, beside a person's own,
which count first, are then completed like any others. Limits: it goes by looks alone. It is right where the other
videos show the same things in much the same way (takes of one scene); where they do not it finds parts of things, and
about every second thing it names is another. Nothing is learned. It is a start to correct: the proposed masks lie in
`proposed/`, to be mended and given to `semflow field complete --labels`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from flows.apps.field_complete import fit_labels, read_labels, write_output
from flows.apps.field_output import open_output
from flows.apps.video_artifacts import VideoArtifacts
from flows.cli.command_options import JSON_OPTION, ValuesCommand, list_option
from flows.cli.display import show_progress
from tasks.artifacts.field_labels import UNLABELLED, FieldLabels
from tasks.errors import SemflowError
from tasks.geometry.cell_grid import l2_normalize
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.resampling import rescale_grid
from tasks.label_propagation.memory_bank import compute_cosine_spread, predict_nearest_labels
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG
from tasks.sequence.label_map import encode_one_hot, pool_to_cells

PROPOSED_FOLDER, NAMES_FILE = "proposed", "names.txt"
MAX_SOURCE_FRAMES = 8  # of each other video, evenly spread
MAX_CELLS = 20_000  # of evidence; more cost time and say the same
MIN_CELL_SHARE = 0.9  # share of a class in a cell that may serve as evidence
FOREGROUND_LIMITS, BACKGROUND_LIMITS = (0.45, 0.8), (0.6, 0.95)
"""Of things and of what is none: how far the best cosine may be below 1, in units of the evidence's spread, and what
share of the most alike cells must say the same. From one sample clip to another half of the things so said are right
(looser, a fifth); what is none must be said freely, or everything that is left would become a thing."""


@dataclass(frozen=True, eq=False)
class TransferEvidence:
    """Cells of which it is known what they are."""

    vectors: NDArray[np.float32]
    """(n, d) unit vectors."""
    values: NDArray[np.uint8]
    """(n,) in `names`."""
    names: tuple[str, ...]


@click.command(cls=ValuesCommand)
@click.argument("video", metavar="VIDEO")
@list_option("--from", "others", required=True, metavar="VIDEO", help="videos with a field")
@list_option("--labels", metavar="PATH", help="own masks that count first; data/labels/VIDEO without it")
@click.option("--frames", type=int, default=6, metavar="N", help="frames on which labels are proposed")
@click.option("--every", type=int, default=1, metavar="N", help="every N-th frame gets a map; 1: all")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="folder for the files; default field/VIDEO/adapt"
)
@JSON_OPTION
def command(
    *,
    video: str,
    others: tuple[str, ...],
    labels: tuple[str, ...] | None,
    frames: int,
    every: int,
    out: Path | None,
    as_json: bool,
) -> int:
    """Propose label maps of a video from the labels of other videos, by their features."""
    shelf = VideoArtifacts.of(video)
    shelves = [VideoArtifacts.of(name, shelf.root) for name in others]
    with show_progress(), open_output("adapt", shelf, out, as_json=as_json) as made:
        own = shelf.labels if labels is None else read_labels(labels, made.folder)
        evidence = collect_evidence(shelf, shelves, own)
        seeds = propose_labels(shelf, evidence, own, frames, made.folder / PROPOSED_FOLDER)
        field = fit_labels(shelf, seeds, every, made.folder / "field.parquet")
        write_output(made, shelf, field)
        made.said.update({"from": others, "evidence cells": len(evidence.values)})
    return 0


def collect_evidence(shelf: VideoArtifacts, others: Sequence[VideoArtifacts], own: FieldLabels) -> TransferEvidence:
    """Pure cells of the others' given frames; classes are the same where their names are, own ones come first."""
    if own.frames and not own.names:
        raise SemflowError(
            "own labels must come with names.txt, a name per class, got none: else nobody knows which of the other "
            "videos' classes they are"
        )
    names = [*own.names] or [others[0].field.metadata.classes[0].name]
    vectors: list[NDArray[np.float32]] = []
    values: list[NDArray[np.uint8]] = []
    for other in others:
        check_features_match(shelf, other)
        numbers = [0, *(_class_index(names, one.name) for one in other.field.metadata.classes[1:])]
        rows = np.flatnonzero(other.field.given)
        for row in rows[pick_evenly(len(rows), MAX_SOURCE_FRAMES)]:
            seen = _pure_cells(other, int(row))
            if seen is not None:
                vectors.append(seen[0])
                values.append(np.array(numbers, np.uint8)[seen[1]])
    if not vectors:
        raise SemflowError(
            f"--from must name videos with given labels, got none in {', '.join(o.video for o in others)}"
        )
    every = max(1, sum(map(len, values)) // MAX_CELLS)
    return TransferEvidence(np.concatenate(vectors)[::every], np.concatenate(values)[::every], tuple(names))


def check_features_match(shelf: VideoArtifacts, other: VideoArtifacts) -> None:
    """SemflowError where features of the two cannot be compared."""
    kinds = [
        (s.features.metadata.network, s.features.metadata.layers, s.features.values.shape[3]) for s in (shelf, other)
    ]
    if kinds[0] != kinds[1]:
        raise SemflowError(
            f"features of {other.video!r} must be like those of {shelf.video!r}, {kinds[0]}, got {kinds[1]}; "
            "run `semflow run` so that both are made with the same parameters"
        )


def _class_index(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _pure_cells(other: VideoArtifacts, row: int) -> tuple[NDArray[np.float32], NDArray[np.intp]] | None:
    """(n, d) vectors and (n,) values of a given map's pure cells; None where the frame has no features."""
    found, facts = other.field.map(row), other.features.metadata
    vectors = other.features.vectors(found.frame)
    if vectors is None:
        return None
    grid = rescale_grid(facts.grid, facts.height, facts.width, other.field.metadata.height, other.field.metadata.width)
    shares = pool_to_cells(encode_one_hot(found.label, len(other.field.metadata.classes)), grid)
    # Where a label was unknown the map holds what was found, which is no evidence.
    sure = pool_to_cells(found.confidence[..., None], grid)[..., 0]
    pure = (shares.max(axis=-1) >= MIN_CELL_SHARE) & (sure >= MIN_CELL_SHARE)
    return l2_normalize(vectors)[pure], shares[pure].argmax(axis=-1)


def propose_labels(
    shelf: VideoArtifacts, evidence: TransferEvidence, own: FieldLabels, count: int, folder: Path
) -> FieldLabels:
    """Labels of so many frames by likeness, written as masks, beside a person's own."""
    from PIL import Image as Picture

    folder.mkdir()
    if count < 1:
        raise SemflowError(f"--frames must be 1 or more, got {count}")
    whole = [n for n in np.flatnonzero(shelf.frames.ok).tolist() if shelf.features.vectors(n) is not None]
    chosen = {whole[n] for n in pick_evenly(len(whole), count)} if whole else set()
    for frame in sorted(chosen - {*own.frames}):
        labels = label_by_features(shelf, evidence, frame)
        if (labels != UNLABELLED).any():
            Picture.fromarray(labels).save(folder / f"{frame:06d}.png", optimize=True)
    (folder / NAMES_FILE).write_text("".join(f"{name}\n" for name in evidence.names), encoding="utf-8")
    found = FieldLabels.load(folder)
    return FieldLabels({**found.masks, **own.masks}, own.points, evidence.names, own.lines)


def label_by_features(shelf: VideoArtifacts, evidence: TransferEvidence, frame: int) -> NDArray[np.uint8]:
    """(h, w) label of each pixel at working size, by the cells most like its own; UNKNOWN where they differ."""
    found = shelf.features.vectors(frame)
    assert found is not None
    vectors = l2_normalize(found)
    differ = compute_cosine_spread(evidence.vectors)
    known = np.eye(len(evidence.names), dtype=np.float32)[evidence.values]
    labels = np.full(vectors.shape[:2], UNLABELLED, np.uint8)
    for row, line in enumerate(vectors):
        shares = predict_nearest_labels(
            line, evidence.vectors, known, DEFAULT_CONFIG.match_count, DEFAULT_CONFIG.temperature * differ
        )
        best, said = (line @ evidence.vectors.T).max(axis=1), shares.argmax(axis=1)
        below, agree = np.where((said > 0)[:, None], FOREGROUND_LIMITS, BACKGROUND_LIMITS).T
        sure = (best >= 1 - below * differ) & (shares.max(axis=1) >= agree)
        labels[row] = np.where(sure, said, UNLABELLED)
    cells = np.rint(shelf.features.metadata.grid.to_cells(_pixels(shelf))).astype(int)
    last = np.array(labels.shape[::-1]) - 1
    cells = np.clip(cells, 0, last)
    return labels[cells[..., 1], cells[..., 0]]


def _pixels(shelf: VideoArtifacts) -> NDArray[np.float32]:
    from tasks.geometry.warp import pixel_grid

    return pixel_grid(shelf.frames.height, shelf.frames.width)
