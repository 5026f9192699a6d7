"""What the vectors of `extract_features` are good for, without any other stage: `semflow eval features --data DIR`.

Images come to the working size of `decode` and go through the stage's own code, with its section of params.yaml;
`--set` tries other values. Two kinds of items are looked for at any depth below DIR:

- `masks/`: folders `frames` with `masks` beside them, as DAVIS 2016 has them (Perazzi et al., 2016). The first mask is
  given and carried through the video by tasks/geometry/feature_propagation.py, without flow, detector or
  tuning per video. J is the overlap at the masks' own size, first and last frame left out.
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

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, ValuesCommand
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
# Radius, count and memory as Jabri et al. (2020) set them, the temperature for vectors that are spread evenly.
PROPAGATION = GridPropagationConfig(radius=12, count=5, temperature=0.3, memory=5)


@dataclass(frozen=True)
class FeatureEvalContext:
    """Everything that an item is measured with."""

    look: Callable[[Image], FeatureGrid]
    cells: Callable[[int, int], CellGrid]
    """Height and width of an image to where its cells lie."""
    side: int | None
    """Longer side of images, pixels at most; None leaves them as they are."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--frames", type=int, default=20, show_default=True, help="frames that views are made of")
@click.option("--seed", type=int, default=0, show_default=True, help="of the random views")
@set_option("extract_features", "dimensions=32 network=efficientnet-lite0 layers=[b4,b10,b14]")
@JSON_OPTION
def command(**options: Any) -> int:
    """Score features alone: mask propagation (J) and cell matching (PCK)."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Metrics per item, and their means over the items of each kind."""
    looking = apply_overrides(params.get_section(ExtractFeaturesParams), arguments.set)
    shipped = load_pretrained_projection(looking.network, looking.layers, looking.dimensions)
    look = open_feature_extractor(looking, params.get_section(Compute), shipped)
    bench = FeatureEvalContext(
        look=lambda image: look([image])[0],
        cells=lambda height, width: make_cell_grid(
            height, width, *compute_input_size(height, width, looking.image_side)
        ),
        side=params.get_section(DecodeParams).max_side,
    )
    return evaluate_features(arguments, bench)


def evaluate_features(arguments: argparse.Namespace, bench: FeatureEvalContext) -> SuiteScores:
    """`evaluate` with whatever the bench holds."""
    clips = find_clips(arguments.data)
    if not clips:
        raise BadInput(f"{arguments.data} must hold folders `frames` with images, got none")
    items: dict[str, dict[str, float]] = {
        f"masks/{clip.name}": {"J": score_propagated_masks(clip, bench)} for clip in clips if len(clip.masks) > 2
    }
    for name, image, rng in _select_frames(clips, arguments, bench.side):
        items[f"views/{name}"] = score_cell_matches(image, rng, bench)
    return SuiteScores("features", items, _average_by_kind(items))


def score_propagated_masks(clip: MatchClip, bench: FeatureEvalContext) -> float:
    """Mean J of the first mask carried through `clip`, at the masks' own size, without the first and the last frame."""
    images = [read_image(path, bench.side)[0] for path in clip.frames]
    drawn: Any = cv2.imread(str(clip.masks[0]), cv2.IMREAD_GRAYSCALE)
    height, width = drawn.shape
    tall, wide = images[0].shape[:2]
    cells = rescale_grid(bench.cells(tall, wide), tall, wide, height, width)
    labels = resample_to_cells(read_mask(clip.masks[0], height, width), cells)[..., None]
    grids = (bench.look(image) for image in images)
    overlaps: list[float] = []
    for path, soft in zip(clip.masks[1:], propagate_grid_labels(next(grids), grids, labels, PROPAGATION), strict=True):
        assert soft is not None
        carried = resample_to_pixels(soft[..., 0], cells, height, width) > 0.5
        overlaps.append(_mask_iou(carried, read_mask(path, height, width)))
    return float(np.mean(overlaps[:-1]))


def score_cell_matches(image: Image, rng: np.random.Generator, bench: FeatureEvalContext) -> dict[str, float]:
    """PCK of the nearest neighbours of an image's cells in a view of it, and of no motion at all."""
    height, width = image.shape[:2]
    camera, light = synthetic_views.sample_far_view(rng)
    view = synthetic_views.render_view(image, camera, light)
    cells = bench.cells(height, width)
    centres = cells.centres().reshape(-1, 2)
    first, second = (bench.look(seen).astype(np.float32) for seen in (image, view.image))
    nearest = (first.reshape(len(centres), -1) @ second.reshape(len(centres), -1).T).argmax(axis=1)
    truth: Any = cv2.perspectiveTransform(centres[:, None].astype(np.float64), view.homography)[:, 0]
    inside = ((truth >= -0.5) & (truth < np.array([width, height]) - 0.5)).all(axis=1)
    return {
        f"PCK@{name}{way}": float((np.linalg.norm(at - truth, axis=1)[inside] <= part * width).mean())
        for way, at in (("", centres[nearest]), (" no motion", centres))
        for name, part in ((".05", 0.05), (".1", 0.1))
    }


def _select_frames(
    clips: list[MatchClip], arguments: argparse.Namespace, side: int | None
) -> Iterator[tuple[str, Image, np.random.Generator]]:
    """About `--frames` images spread over clips and time, each with random numbers of its own."""
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
