"""A DAVIS sequence at working size with features, optical flow and instance masks, by the stages' own code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from flows.evaluate.match_data import MatchClip as Files
from flows.evaluate.match_data import read_image, read_mask
from tasks.arrays import Image, LabelMap, Mask
from tasks.decode.params import DecodeParams
from tasks.device import resolve_device
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
from tasks.geometry.forward_backward import find_consistent_pixels
from tasks.label_propagation.mask_refinement import InstanceMasks, MaskRefiner, measure_mask_reliability
from tasks.params import Compute, ParamSections
from tasks.sequence.frame_pair_motion import FramePairMotion
from tasks.sequence.label_map import encode_one_hot
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

    return MaskRefiner(seen, measure_mask_reliability([(encode_one_hot(sequence.first, CLASSES), seen(0))], CLASSES))


def trust_masks(refiner: MaskRefiner) -> MaskRefiner:
    """The same with instances that take the place of the propagated mask, whatever they are worth: the plain way."""
    trusted = (replace(known, recall=1.0, precision=1.0) for known in refiner.reliability)
    return replace(refiner, reliability=tuple(trusted))


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


def open_context(params: ParamSections) -> DavisContext:
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
