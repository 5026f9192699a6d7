"""Quality of the vectors of `extract_features`, without any other stage: `semflow eval features --data DIR`.

Images are resized to the working size of `decode` and processed by the stage's own code, with its section of
params.yaml; `--set` overrides values. Two kinds of items are searched at any depth below DIR:

- `masks/`: folders `frames` with `masks` beside them, as DAVIS 2016 has them (Perazzi et al., 2016). The first mask is
  given and propagated through the video by tasks/geometry/feature_propagation.py, without flow, detector or
  tuning per video. J is the overlap at the masks' own size, without the first and the last frame.
- `views/`: of `--frames` frames, spread over all folders `frames`, a view is rendered with a known homography in
  another light (tasks/geometry/synthetic_views.py). PCK@a is the share of cells whose nearest neighbour in the
  view lies within a of the image's width from the truth, over the cells that are in the view.

`combined` is the mean over the items of a kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.match_data import MatchClip, find_clips, read_image, read_mask
from flows.evaluate.param_overrides import apply_overrides, set_option
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Image
from tasks.decode.params import DecodeParams
from tasks.errors import BadInput
from tasks.extract_features.feature_extractor import compute_input_size, make_cell_grid, open_feature_extractor
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.pretrained_projection import load_pretrained_projection
from tasks.geometry import synthetic_views
from tasks.geometry.cell_grid import CellGrid
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.feature_propagation import GridPropagationConfig, propagate_grid_labels
from tasks.geometry.resampling import resample_to_cells, resample_to_pixels, rescale_grid
from tasks.params import Compute, ParamSections

FeatureGrid = NDArray[np.float16]
"""(h, w, d) unit vectors."""
# Radius, count and memory as Jabri et al. (2020) set them, the temperature chosen for WCCN-projected vectors.
PROPAGATION = GridPropagationConfig(radius=12, count=5, temperature=0.3, memory=5)


@dataclass(frozen=True)
class FeatureEvalContext:
    """Feature extractor and grid to evaluate an item with."""

    extract: Callable[[Image], FeatureGrid]
    cells: Callable[[int, int], CellGrid]
    """Height and width of an image to its grid."""
    side: int | None
    """Maximum of the longer side of images, pixels; None keeps their size."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--frames", type=int, default=20, show_default=True, help="frames that views are made of")
@click.option("--seed", type=int, default=0, show_default=True, help="of the random views")
@set_option("extract_features", "dimensions=32 network=efficientnet-lite0 layers=[b4,b10,b14]")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score features alone: mask propagation (J) and cell matching (PCK)."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Metrics per item, and their means over the items of each kind."""
    feature_params = apply_overrides(params.get_section(ExtractFeaturesParams), arguments.set)
    projection = load_pretrained_projection(feature_params.network, feature_params.layers, feature_params.dimensions)
    extractor = open_feature_extractor(feature_params, params.get_section(Compute), projection)
    context = FeatureEvalContext(
        extract=lambda image: extractor([image])[0],
        cells=lambda height, width: make_cell_grid(
            height, width, *compute_input_size(height, width, feature_params.image_side)
        ),
        side=params.get_section(DecodeParams).max_side,
    )
    return evaluate_features(arguments, context)


def evaluate_features(arguments: argparse.Namespace, context: FeatureEvalContext) -> SuiteScores:
    """The scores of `evaluate`, with the extractor of `context`."""
    clips = find_clips(arguments.data)
    if not clips:
        raise BadInput(f"{arguments.data} must hold folders `frames` with images, got none")
    items: dict[str, dict[str, float]] = {
        f"masks/{clip.name}": {"J": score_propagated_masks(clip, context)}
        for clip in clips
        if len(clip.masks) > 2  # noqa: PLR2004  the first is given, the last is left out
    }
    for name, image, rng in _select_frames(clips, arguments, context.side):
        items[f"views/{name}"] = score_cell_matches(image, rng, context)
    return SuiteScores("features", items, _average_by_kind(items))


def score_propagated_masks(clip: MatchClip, context: FeatureEvalContext) -> float:
    """Mean J of the first mask propagated through `clip`, at the masks' own size, without first and last frame."""
    images = [read_image(path, context.side)[0] for path in clip.frames]
    mask: Any = cv2.imread(str(clip.masks[0]), cv2.IMREAD_GRAYSCALE)
    height, width = mask.shape
    image_height, image_width = images[0].shape[:2]
    cells = rescale_grid(context.cells(image_height, image_width), image_height, image_width, height, width)
    labels = resample_to_cells(read_mask(clip.masks[0], height, width), cells)[..., None]
    grids = (context.extract(image) for image in images)
    overlaps: list[float] = []
    for path, soft in zip(clip.masks[1:], propagate_grid_labels(next(grids), grids, labels, PROPAGATION), strict=True):
        assert soft is not None
        propagated = resample_to_pixels(soft[..., 0], cells, height, width) > 0.5  # noqa: PLR2004  the more probable of two classes
        overlaps.append(_mask_iou(propagated, read_mask(path, height, width)))
    return float(np.mean(overlaps[:-1]))


def score_cell_matches(image: Image, rng: np.random.Generator, context: FeatureEvalContext) -> dict[str, float]:
    """PCK of the nearest neighbours of an image's cells in a view of it, and of no motion at all."""
    height, width = image.shape[:2]
    camera, light = synthetic_views.sample_far_view(rng)
    view = synthetic_views.render_view(image, camera, light)
    cells = context.cells(height, width)
    centres = cells.cell_centres().reshape(-1, 2)
    first, second = (context.extract(picture).astype(np.float32) for picture in (image, view.image))
    nearest = (first.reshape(len(centres), -1) @ second.reshape(len(centres), -1).T).argmax(axis=1)
    truth: Any = cv2.perspectiveTransform(centres[:, None].astype(np.float64), view.homography)[:, 0]
    inside = ((truth >= -0.5) & (truth < np.array([width, height]) - 0.5)).all(axis=1)  # noqa: PLR2004  half a pixel beyond the outermost centres
    return {
        f"PCK@{name}{way}": float((np.linalg.norm(at - truth, axis=1)[inside] <= part * width).mean())
        for way, at in (("", centres[nearest]), (" no motion", centres))
        for name, part in ((".05", 0.05), (".1", 0.1))
    }


def _select_frames(
    clips: list[MatchClip], arguments: argparse.Namespace, side: int | None
) -> Iterator[tuple[str, Image, np.random.Generator]]:
    """About `--frames` images, evenly spaced over clips and time, each with its own random generator."""
    each = max(1, round(arguments.frames / len(clips))) if arguments.frames else 0
    for number, clip in enumerate(clips):
        for frame in pick_evenly(len(clip.frames), each).tolist():
            rng = np.random.default_rng([arguments.seed, number, frame])
            yield f"{clip.name}/{frame:05d}", read_image(clip.frames[frame], side)[0], rng


def _mask_iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 1.0


def _average_by_kind(items: Mapping[str, dict[str, float]]) -> dict[str, float]:
    kinds: dict[str, list[float]] = {}
    for name, metrics in items.items():
        for metric, value in metrics.items():
            kinds.setdefault(f"{metric}_mean" if name.startswith("masks/") else metric, []).append(value)
    return {metric: float(np.mean(values)) for metric, values in kinds.items()}
