"""Video object segmentation on DAVIS: `semflow eval davis --data DIR [--labels masks]`.

Every folder at any depth below DIR with `frames/` and as many `masks/` is a sequence (DAVIS 2016, Perazzi et al.). The
first mask is given. J is the overlap with the true mask at the masks' own size, F the agreement of the boundaries
(davis_measures.py), both means over frames without the first and the last, and J&F is the mean of the two. Frames are
resized to the working size of `decode`; features and flow are those of the stages, by params.yaml. Methods
(davis_methods.py):

- `copied`: the first mask, unmoved.  `warped`: warped along dense optical flow.
- `propagated`: by feature similarity alone (tasks/geometry/feature_propagation.py), in its published form.
- `field`: the semantic field (tasks/fit_field).
- `propagated with masks` and `field with masks`, by `--labels masks`: both with instance masks of YOLO26n-seg in every
  frame, which in plain propagation take the mask's place wherever they fit it. That segmenter knows COCO's eighty
  classes, so objects of these classes gain most.

`J`, `F` and `J&F` are those of the last method that was computed. All settings are the same for all sequences.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import click
import numpy as np

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.davis_measures import compute_boundary_f, compute_jaccard, threshold_share
from flows.evaluate.davis_methods import copy_first_mask, fit_semantic_field, propagate_first_mask, warp_first_mask
from flows.evaluate.davis_sequence import DavisSequence, make_mask_refiner, open_context, open_sequence, trust_masks
from flows.evaluate.match_data import find_clips
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Floats32
from tasks.errors import BadInput
from tasks.params import ParamSections


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option(
    "--labels",
    type=click.Choice(["first", "masks"]),
    default="first",
    help="first: the first mask alone; masks: and instance masks of every frame",
)
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the semantic field on DAVIS: overlap J and boundary F of a mask given first."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """J and F per sequence and method, and their means over sequences."""
    context = open_context(params)
    found = [files for files in find_clips(arguments.data) if len(files.masks) > 2]  # noqa: PLR2004  the first is given, the last is left out
    if not found:
        raise BadInput(
            f"{arguments.data} must hold folders `frames` with as many `masks` beside them, three or more, got none"
        )
    items = {files.name: score_sequence(open_sequence(files, context), arguments.labels == "masks") for files in found}
    metrics = next(iter(items.values()))
    return SuiteScores(
        "davis", items, {name: float(np.mean([item[name] for item in items.values()])) for name in metrics}
    )


def score_sequence(sequence: DavisSequence, with_masks: bool) -> dict[str, float]:
    """J and F of every method; the last one's, and their mean, first."""
    methods = {
        "copied": copy_first_mask(sequence),
        "warped": warp_first_mask(sequence),
        "propagated": propagate_first_mask(sequence),
        "field": fit_semantic_field(sequence, None),
    }
    if with_masks:
        refiner = make_mask_refiner(sequence)
        methods["propagated with masks"] = propagate_first_mask(sequence, trust_masks(refiner))
        methods["field with masks"] = fit_semantic_field(sequence, refiner)
    scores = {name: _score_method(sequence, shares) for name, shares in methods.items()}
    j, f = scores[[*methods][-1]]
    by_method = {f"{m} {name}": value for name, both in scores.items() for m, value in zip("JF", both, strict=True)}
    return {"J": j, "F": f, "J&F": (j + f) / 2, **by_method}


def _score_method(sequence: DavisSequence, shares: Iterable[tuple[int, Floats32]]) -> tuple[float, float]:
    """Mean J and F of the soft masks of the frames without the first, which was given, and the last, as DAVIS does."""
    js: list[float] = []
    fs: list[float] = []
    for frame, share in shares:
        if 0 < frame < len(sequence.images) - 1:
            truth = sequence.truth(frame)
            mask = threshold_share(share, *truth.shape)
            js.append(compute_jaccard(mask, truth))
            fs.append(compute_boundary_f(mask, truth))
    return float(np.mean(js)), float(np.mean(fs))
