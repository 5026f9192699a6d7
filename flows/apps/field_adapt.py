"""Label transfer from other videos by features: `semflow field adapt VIDEO --from OTHER... [--labels ...]`.

Feature cells of the labelled frames of the other videos are the reference set. On a few frames of VIDEO each cell gets
the label of its nearest neighbours (softmax-weighted vote by cosine), where these agree and are similar enough. These
proposed labels, together with the user's own, which take precedence, are then propagated like any others.

Nothing is trained and position is ignored. The result is right where the other videos show the same objects in much the
same way (shots of one scene); elsewhere it finds parts of objects, and about every second label is wrong. It is a start
to correct: edit the masks in `proposed/`, and give them to `semflow field complete --labels`.
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
MAX_SOURCE_FRAMES = 8  # of each other video, evenly spaced
MAX_CELLS = 20_000  # of the reference set; more take longer and change little
MIN_CELL_SHARE = 0.9  # of one class in a cell, for it to be in the reference set
FOREGROUND_LIMITS, BACKGROUND_LIMITS = (0.45, 0.8), (0.6, 0.95)
"""(maximum distance, minimum agreement) for a label of an object, and of the background. Distance is 1 - best cosine in
units of the reference set's cosine spread; agreement is the share of the vote. Between two sample clips half of the
object labels are right with these limits, a fifth with looser ones. The background's distance is more lenient, or else
all that is left unlabelled would be propagated over by objects."""


@dataclass(frozen=True, eq=False)
class TransferEvidence:
    """The reference set: feature cells with known labels."""

    vectors: NDArray[np.float32]
    """(n, d) unit vectors."""
    values: NDArray[np.uint8]
    """(n,) index into `names`."""
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
    artifacts = VideoArtifacts.find(video)
    sources = [VideoArtifacts.find(name, artifacts.root) for name in others]
    with show_progress(), open_output("adapt", artifacts, out, as_json=as_json) as output:
        own = artifacts.labels if labels is None else read_labels(labels, output.folder)
        evidence = collect_evidence(artifacts, sources, own)
        seeds = propose_labels(artifacts, evidence, own, frames, output.folder / PROPOSED_FOLDER)
        field = fit_labels(artifacts, seeds, every, output.folder / "field.parquet")
        write_output(output, artifacts, field)
        output.summary.update({"from": others, "evidence cells": len(evidence.values)})
    return 0


def collect_evidence(artifacts: VideoArtifacts, others: Sequence[VideoArtifacts], own: FieldLabels) -> TransferEvidence:
    """Cells of one class from the labelled frames of the other videos.

    Classes with the same name are the same; the names of the user's own labels come first.
    """
    if own.frames and not own.names:
        raise SemflowError(
            "own labels must come with names.txt, a name per class, got none; without it they cannot be matched to the "
            "classes of the other videos"
        )
    names = [*own.names] or [others[0].field.metadata.classes[0].name]
    vectors: list[NDArray[np.float32]] = []
    values: list[NDArray[np.uint8]] = []
    for other in others:
        check_features_match(artifacts, other)
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


def check_features_match(artifacts: VideoArtifacts, other: VideoArtifacts) -> None:
    """SemflowError where the features of two videos differ in network, layers or dimension."""
    kinds = [
        (s.features.metadata.network, s.features.metadata.layers, s.features.dimensions) for s in (artifacts, other)
    ]
    if kinds[0] != kinds[1]:
        raise SemflowError(
            f"features of {other.video!r} must be like those of {artifacts.video!r}, {kinds[0]}, got {kinds[1]}; "
            "run `semflow run` so that both are made with the same parameters"
        )


def _class_index(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _pure_cells(other: VideoArtifacts, row: int) -> tuple[NDArray[np.float32], NDArray[np.intp]] | None:
    """(n, d) unit vectors and (n,) values of a map's cells of one class; None where the frame has no features."""
    found, facts = other.field.map(row), other.features.metadata
    vectors = other.features.vectors(found.frame)
    if vectors is None:
        return None
    grid = rescale_grid(facts.grid, facts.height, facts.width, other.field.metadata.height, other.field.metadata.width)
    shares = pool_to_cells(encode_one_hot(found.label, len(other.field.metadata.classes)), grid)
    # Where the seed label was unknown, the map holds a propagated label of lower confidence, which is left out.
    sure = pool_to_cells(found.confidence[..., None], grid)[..., 0]
    pure = (shares.max(axis=-1) >= MIN_CELL_SHARE) & (sure >= MIN_CELL_SHARE)
    return l2_normalize(vectors)[pure], shares[pure].argmax(axis=-1)


def propose_labels(
    artifacts: VideoArtifacts, evidence: TransferEvidence, own: FieldLabels, count: int, folder: Path
) -> FieldLabels:
    """Labels of `count` evenly spaced frames by feature similarity, saved in `folder`, and the user's `own` labels."""
    from PIL import Image as Picture

    folder.mkdir()
    if count < 1:
        raise SemflowError(f"--frames must be 1 or more, got {count}")
    whole = [n for n in np.flatnonzero(artifacts.frames.ok).tolist() if artifacts.features.vectors(n) is not None]
    chosen = {whole[n] for n in pick_evenly(len(whole), count)} if whole else set()
    for frame in sorted(chosen - {*own.frames}):
        labels = label_by_features(artifacts, evidence, frame)
        if (labels != UNLABELLED).any():
            Picture.fromarray(labels).save(folder / f"{frame:06d}.png", optimize=True)
    (folder / NAMES_FILE).write_text("".join(f"{name}\n" for name in evidence.names), encoding="utf-8")
    found = FieldLabels.load(folder)
    return FieldLabels({**found.masks, **own.masks}, own.points, evidence.names, own.lines)


def label_by_features(artifacts: VideoArtifacts, evidence: TransferEvidence, frame: int) -> NDArray[np.uint8]:
    """(h, w) labels of a frame at working size, by the nearest reference cells; UNLABELLED where these disagree."""
    found = artifacts.features.vectors(frame)
    assert found is not None
    vectors = l2_normalize(found)
    spread = compute_cosine_spread(evidence.vectors)
    known = np.eye(len(evidence.names), dtype=np.float32)[evidence.values]
    labels = np.full(vectors.shape[:2], UNLABELLED, np.uint8)
    for row, line in enumerate(vectors):
        shares = predict_nearest_labels(
            line, evidence.vectors, known, DEFAULT_CONFIG.match_count, DEFAULT_CONFIG.temperature * spread
        )
        best, best_class = (line @ evidence.vectors.T).max(axis=1), shares.argmax(axis=1)
        max_distance, min_agreement = np.where((best_class > 0)[:, None], FOREGROUND_LIMITS, BACKGROUND_LIMITS).T
        sure = (best >= 1 - max_distance * spread) & (shares.max(axis=1) >= min_agreement)
        labels[row] = np.where(sure, best_class, UNLABELLED)
    cells = np.rint(artifacts.features.metadata.grid.to_cells(_pixels(artifacts))).astype(int)
    last = np.array(labels.shape[::-1]) - 1
    cells = np.clip(cells, 0, last)
    return labels[cells[..., 1], cells[..., 0]]


def _pixels(artifacts: VideoArtifacts) -> NDArray[np.float32]:
    from tasks.geometry.warp import pixel_grid

    return pixel_grid(artifacts.frames.height, artifacts.frames.width)
