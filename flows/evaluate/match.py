"""Semantic flow against ground truth: `semflow eval match --data DIR`.

Five kinds of items are searched at any depth below DIR; each image is resized to the working size of `decode`, its
vectors come from `extract_features` and optical flow from `estimate_flow`, with their sections of params.yaml.

- `views/`: of `--frames` frames, spread over all folders named `frames`, a view is rendered with a known homography in
  another light (tasks/geometry/synthetic_views.py). PCK@a is the share of the cells whose match lies within a of the
  image's width from the truth (Yang and Ramanan, 2013), over the cells in the view. Beside it: no motion at all;
  optical flow at once; and chained over `--steps` frames. No real film has truth over many frames, so this one runs
  half of them forward and then back to where it began, while the camera turns and the light changes on the way to the
  view: chained flow meets all that moves, hides and leaves the picture in between, and the truth stays exact. The same
  way past a film that stands still is what chained flow is at its best, and there it is better than any match of cells.
- `neighbours/`: the same frames and a view as a next frame would be. EPE in pixels of the cells, for both flows.
- `masks/`: real frames `--stride` apart, where a folder `masks` lies beside `frames`. J is the overlap of the object's
  cells in the first frame with those whose match lies on the object in the second one.
- `keypoints/`: folders with two images and two .mat files of `pts_coord` (2, k). PCK@a in parts of the longer side of
  the second image, and of the longer side of its keypoints' box.
- `homographies/`: folders with two images and an OpenCV file of a 3x3 matrix. Share within 8 px of the original size.

`combined` is the mean over the items of a kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click
import numpy as np

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.match_context import MatchContext, open_match_context
from flows.evaluate.match_data import MatchClip, find_clips, find_homography_pairs, find_keypoint_pairs, read_image
from flows.evaluate.match_scores import Metrics, score_homography, score_keypoints, score_masks, score_views
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Image
from tasks.errors import BadInput
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.params import ParamSections


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--frames", type=int, default=20, show_default=True, help="frames that views are made of")
@click.option("--steps", type=int, default=24, show_default=True, help="frames on the way of chained optical flow")
@click.option("--stride", type=int, default=8, show_default=True, help="frames between the two of a pair with masks")
@click.option("--seed", type=int, default=0, show_default=True, help="of the random views")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score semantic flow: PCK on views and keypoints, overlap of masks."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Metrics per item, and their means over the items of each kind."""
    return evaluate_match(arguments, open_match_context(params))


def evaluate_match(arguments: argparse.Namespace, context: MatchContext) -> SuiteScores:
    """The scores of `evaluate`, with the extractor, matcher and flow of `context`."""
    clips = find_clips(arguments.data)
    items: dict[str, Metrics] = {}
    for name, film, rng in _select_films(clips, arguments, context.side):
        items[f"views/{name}"], items[f"neighbours/{name}"] = score_views(film, rng, context)
    for clip in clips:
        if clip.masks and len(clip.frames) > arguments.stride:
            items[f"masks/{clip.name}"] = score_masks(clip, arguments.stride, context)
    for pair in find_keypoint_pairs(arguments.data, context.side):
        items[f"keypoints/{pair.name}"] = score_keypoints(pair, context)
    for pair in find_homography_pairs(arguments.data, context.side):
        items[f"homographies/{pair.name}"] = score_homography(pair, context)
    if not items:
        raise BadInput(
            f"{arguments.data} must hold folders `frames`, pairs of images with .mat keypoints, or pairs with a "
            "homography in .xml, got none"
        )
    return SuiteScores("match", items, _average_by_kind(items))


def _select_films(
    clips: Sequence[MatchClip], arguments: argparse.Namespace, side: int | None
) -> Iterator[tuple[str, list[Image], np.random.Generator]]:
    """About `--frames` image sequences, forward and back, spread over clips and time, each with its own generator."""
    each = max(1, round(arguments.frames / max(1, len(clips))))
    for number, clip in enumerate(clips):
        last = len(clip.frames) - 1
        half = min(arguments.steps // 2, last)
        for frame in pick_evenly(last + 1, each).tolist():
            direction = 1 if frame + half <= last else -1
            outward = range(frame, frame + direction * (half + 1), direction)
            images = [read_image(clip.frames[k], side)[0] for k in outward]
            rng = np.random.default_rng([arguments.seed, number, frame])
            yield f"{clip.name}/{frame:05d}", images + images[-2::-1], rng


def _average_by_kind(items: Mapping[str, Metrics]) -> Metrics:
    kinds: dict[str, list[float]] = {}
    for name, metrics in items.items():
        for metric, value in metrics.items():
            kinds.setdefault(f"{name.partition('/')[0]} {metric}", []).append(value)
    return {name: float(np.nanmean(values)) for name, values in kinds.items()}
