"""Extractor, matcher and optical flow for `semflow eval match`, by the stages' own code and sections of params.yaml."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Image, Points32
from tasks.decode.params import DecodeParams
from tasks.device import resolve_device
from tasks.estimate_flow.flow_backend import FlowBackend, open_flow_backend
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.extract_features.feature_extractor import compute_input_size, make_cell_grid, open_feature_extractor
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.pretrained_projection import load_pretrained_projection
from tasks.geometry.advection import advect_points
from tasks.geometry.cell_grid import CellGrid
from tasks.match.grid_matching import MatchConfig, match_grids
from tasks.match.params import MatchParams
from tasks.match.semantic_matching import make_match_config
from tasks.params import Compute, ParamSections


@dataclass(frozen=True)
class ImageFeatures:
    """Feature grid of one image."""

    vectors: NDArray[Any]
    """(h, w, d)."""
    cells: CellGrid


@dataclass(frozen=True)
class MatchContext:
    """Extractor, matcher and optical flow to evaluate an item with."""

    extract: Callable[[Image], ImageFeatures]
    flow_backend: FlowBackend
    config: MatchConfig
    side: int | None

    def match_cells(self, first: ImageFeatures, second: ImageFeatures) -> Points32:
        """(h, w, 2) position in the second image of each cell of the first, by semantic flow."""
        return second.cells.to_px(match_grids(first.vectors, second.vectors, self.config).target)

    def chain_flow(self, points: Points32, images: Sequence[Image]) -> Points32:
        """Positions in the last of `images` of `points` of the first, by chained optical flow, valid everywhere."""
        for pair in pairwise(images):
            flow: FlowField = next(iter(self.flow_backend.estimate(pair)))[0]
            inside = np.clip(points, 0, np.array([flow.shape[1] - 1, flow.shape[0] - 1], np.float32))
            points = points + advect_points(inside, flow, np.ones(flow.shape[:2], np.bool_)) - inside
        return points


def open_match_context(params: ParamSections) -> MatchContext:
    """The context for the sections of params.yaml."""
    compute = params.get_section(Compute)
    feature_params = params.get_section(ExtractFeaturesParams)
    flow_params = params.get_section(EstimateFlowParams)
    device = resolve_device(compute.device)
    projection = load_pretrained_projection(feature_params.network, feature_params.layers, feature_params.dimensions)
    extractor = open_feature_extractor(feature_params, compute, projection)

    def extract(image: Image) -> ImageFeatures:
        height, width = image.shape[:2]
        cells = make_cell_grid(height, width, *compute_input_size(height, width, feature_params.image_side))
        return ImageFeatures(extractor([image])[0], cells)

    return MatchContext(
        extract=extract,
        flow_backend=open_flow_backend(flow_params, device if flow_params.network else "cpu", compute.batch),
        config=make_match_config(params.get_section(MatchParams), device),
        side=params.get_section(DecodeParams).max_side,
    )
