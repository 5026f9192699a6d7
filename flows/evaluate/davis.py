"""Video object segmentation on DAVIS: `semflow eval davis --data DIR [--labels masks]`.

Every folder at any depth below DIR with `frames/` and as many `masks/` is a sequence (DAVIS 2016, Perazzi et al.). The
first mask is given; J is the overlap with the true mask at the masks' own size, mean over frames without the first and
the last. Frames are resized to the working size of `decode`; features and flow are those of the stages, by params.yaml.

- `J copied`: the first mask, unmoved.  `J warped`: warped along dense optical flow.
- `J propagated`: by feature similarity alone (tasks/geometry/feature_propagation.py), with the field's
  radius, count, memory.
- `J field`: the semantic field (tasks/fit_field).  `J field with masks`, by `--labels masks`: instance masks of
  YOLO26n-seg as additional evidence in every frame. That segmenter knows COCO's eighty classes, so objects of these
  classes gain most; the others are unaffected.

`J` is the last of these that was computed. All settings are the same for all sequences.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.match_data import MatchClip as Files
from flows.evaluate.match_data import find_clips, read_image, read_mask
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import Floats32, Image, LabelMap, Mask
from tasks.decode.params import DecodeParams
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend, open_flow_backend
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.extract_features.feature_extractor import (
    FeatureExtractor,
    compute_input_size,
    make_cell_grid,
    open_feature_extractor,
)
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.pretrained_projection import load_pretrained_projection
from tasks.geometry.feature_propagation import GridPropagationConfig, propagate_grid_labels
from tasks.geometry.forward_backward import find_consistent_pixels
from tasks.geometry.resampling import resample_to_pixels
from tasks.geometry.warp import warp_image
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskRefiner, find_class_categories
from tasks.label_propagation.memory_bank import compute_cosine_spread
from tasks.label_propagation.propagate_labels import classify_frames, make_propagation_task
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG
from tasks.params import Compute, ParamSections
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.label_map import encode_one_hot, pool_to_cells
from tasks.sequence.sequence_view import SequenceView
from tasks.yolo.instance_segmentation import load_segmenter

CLASSES = 2  # background and the object
SEGMENTER_SIDE = 864  # longer side of the segmenter's input, pixels: DAVIS at 480p unscaled
SEGMENTER_SCORE = 0.05


@dataclass(frozen=True, eq=False)
class DavisSequence:
    """A video at working size, with its features and optical flow."""

    files: Files
    images: list[Image]
    clip: SequenceView
    first: LabelMap
    """(h, w) the first mask at working size."""

    def truth(self, frame: int) -> Mask:
        """The true mask at its own size."""
        return read_own_mask(self.files.masks[frame])


@dataclass(frozen=True)
class DavisContext:
    """Feature extractor and flow estimator of the stages, with their parameters."""

    extractor: FeatureExtractor
    feature_params: ExtractFeaturesParams
    flow_backend: FlowBackend
    max_side: int | None


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option(
    "--labels",
    type=click.Choice(["first", "masks"]),
    default="first",
    help="first: the first mask alone; masks: and instance masks of every frame",
)
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the semantic field on DAVIS: overlap J of a mask given in the first frame."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """J per sequence and method, and its mean over sequences."""
    context = _make_context(params)
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
    """J of every method."""
    methods = {
        "J copied": copy_first_mask(sequence),
        "J warped": warp_first_mask(sequence),
        "J propagated": propagate_first_mask(sequence),
        "J field": fit_semantic_field(sequence, None),
    }
    if with_masks:
        methods["J field with masks"] = fit_semantic_field(sequence, make_mask_refiner(sequence))
    overlaps: dict[str, float] = {}
    for name, shares in methods.items():
        # The first mask was given; the last one is left out as DAVIS does.
        js = [
            compute_jaccard(share, sequence.truth(frame))
            for frame, share in shares
            if 0 < frame < len(sequence.images) - 1
        ]
        overlaps[name] = float(np.mean(js))
    return {"J": overlaps[[*methods][-1]], **overlaps}


def compute_jaccard(share: Floats32, truth: Mask) -> float:
    """J (intersection over union) of a soft mask of any size and a mask; 1 where both are empty."""
    height, width = truth.shape
    mask = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5  # noqa: PLR2004  most of the bilinear weight
    union = int((mask | truth).sum())
    return int((mask & truth).sum()) / union if union else 1.0


def copy_first_mask(sequence: DavisSequence) -> Iterator[tuple[int, Floats32]]:
    """The first mask in every frame."""
    first = sequence.first.astype(np.float32)
    return ((frame, first) for frame in range(len(sequence.images)))


def warp_first_mask(sequence: DavisSequence) -> Iterator[tuple[int, Floats32]]:
    """The first mask warped along the flow from frame to frame."""
    share = sequence.first.astype(np.float32)
    for frame in range(1, len(sequence.images)):
        motion = sequence.clip.motion(frame - 1)
        assert motion is not None
        share = warp_image(share, motion.backward)
        yield frame, share


def propagate_first_mask(sequence: DavisSequence) -> Iterator[tuple[int, Floats32]]:
    """The first mask propagated by feature similarity."""
    clip = sequence.clip
    grids: Iterable[Any] = (clip.feature_grid(frame) for frame in range(1, clip.length))
    first = clip.feature_grid(0)
    assert first is not None
    how = GridPropagationConfig(
        DEFAULT_CONFIG.match_radius,
        DEFAULT_CONFIG.match_count,
        DEFAULT_CONFIG.temperature * compute_cosine_spread(first),
        DEFAULT_CONFIG.memory_frames,
    )
    labels = pool_to_cells(encode_one_hot(sequence.first, CLASSES), clip.cells)
    for frame, found in enumerate(propagate_grid_labels(first, grids, labels, how), start=1):
        assert found is not None
        yield frame, resample_to_pixels(np.ascontiguousarray(found[..., 1]), clip.cells, clip.height, clip.width)


def fit_semantic_field(sequence: DavisSequence, refiner: MaskRefiner | None) -> Iterator[tuple[int, Floats32]]:
    """The semantic field, with instance masks if `refiner` is given."""
    maps = classify_frames(make_propagation_task(sequence.clip, {0: sequence.first}, CLASSES, DEFAULT_CONFIG, refiner))
    for frame, found in enumerate(maps):
        assert found is not None
        yield frame, np.ascontiguousarray(found.probabilities[..., 1])


def make_mask_refiner(sequence: DavisSequence) -> MaskRefiner:
    """A mask refiner with the instance masks of every frame."""
    segmenter = load_segmenter()

    @lru_cache(maxsize=2)
    def seen(frame: int) -> InstanceMasks:
        image, _ = read_image(sequence.files.frames[frame], None)
        found = segmenter(image, SEGMENTER_SIDE, SEGMENTER_SCORE)
        height, width = sequence.first.shape
        masks = [
            cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5  # noqa: PLR2004  most of the pixel's area
            for mask in found.masks
        ]
        return InstanceMasks(np.array(masks, np.bool_).reshape(-1, height, width), found.score, found.class_id)

    return MaskRefiner(seen, find_class_categories(encode_one_hot(sequence.first, CLASSES), seen(0)))


def open_sequence(files: Files, context: DavisContext) -> DavisSequence:
    """Images and features of a sequence; flow is computed on access."""
    images = [read_image(path, context.max_side)[0] for path in files.frames]
    height, width = images[0].shape[:2]
    seen = compute_input_size(height, width, context.feature_params.image_side)
    grids = [context.extractor([image])[0] for image in images]

    @lru_cache(maxsize=4)
    def motion(first: int) -> FramePairMotion:
        forward, backward = next(iter(context.flow_backend.estimate(images[first : first + 2])))
        return FramePairMotion(
            forward, backward, find_consistent_pixels(forward, backward), find_consistent_pixels(backward, forward)
        )

    cells = make_cell_grid(height, width, *seen)
    clip = SequenceView(
        len(images), height, width, cells, lambda frame: grids[frame], motion, images=lambda frame: images[frame]
    )
    mask = read_own_mask(files.masks[0]).astype(np.float32)
    first = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) > 0.5  # noqa: PLR2004  most of the pixel's area
    return DavisSequence(files, images, clip, first.astype(np.uint8))


def read_own_mask(path: Path) -> Mask:
    """(h, w) mask of the object at the size of the file."""
    image, _ = read_image(path, None)
    return read_mask(path, *image.shape[:2])


def _make_context(params: ParamSections) -> DavisContext:
    """The stages' code with their sections of params.yaml."""
    compute = params.get_section(Compute)
    feature_params = params.get_section(ExtractFeaturesParams)
    flow_params = params.get_section(EstimateFlowParams)
    device = resolve_device(compute.device) if flow_params.network else "cpu"
    return DavisContext(
        extractor=open_feature_extractor(
            feature_params,
            compute,
            load_pretrained_projection(feature_params.network, feature_params.layers, feature_params.dimensions),
        ),
        feature_params=feature_params,
        flow_backend=open_flow_backend(flow_params, device, compute.batch),
        max_side=params.get_section(DecodeParams).max_side,
    )
