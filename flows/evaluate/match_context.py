"""What `semflow eval match` measures with: the stages' own code, with their sections of params.yaml."""

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
    """One image's vectors."""

    vectors: NDArray[Any]
    """(h, w, d)."""
    cells: CellGrid


@dataclass(frozen=True)
class MatchContext:
    """Everything that an item is measured with."""

    extract: Callable[[Image], ImageFeatures]
    optical: FlowBackend
    how: MatchConfig
    side: int | None

    def semantic(self, first: ImageFeatures, second: ImageFeatures) -> Points32:
        """Where each cell of the first image is in the second by meaning."""
        return second.cells.to_px(match_grids(first.vectors, second.vectors, self.how).target)

    def chained(self, places: Points32, images: Sequence[Image]) -> Points32:
        """Where optical flow carries `places` of the first of `images` to the last, one by one, trusted everywhere."""
        for pair in pairwise(images):
            flow: FlowField = next(iter(self.optical.estimate(pair)))[0]
            inside = np.clip(places, 0, np.array([flow.shape[1] - 1, flow.shape[0] - 1], np.float32))
            places = places + advect_points(inside, flow, np.ones(flow.shape[:2], np.bool_)) - inside
        return places


def open_match_context(params: ParamSections) -> MatchContext:
    """The stages' own code, with their sections of params.yaml."""
    compute = params.get_section(Compute)
    looking = params.get_section(ExtractFeaturesParams)
    flowing = params.get_section(EstimateFlowParams)
    device = resolve_device(compute.device)
    shipped = load_pretrained_projection(looking.network, looking.layers, looking.dimensions)
    look = open_feature_extractor(looking, compute, shipped)

    def extract(image: Image) -> ImageFeatures:
        height, width = image.shape[:2]
        cells = make_cell_grid(height, width, *compute_input_size(height, width, looking.image_side))
        return ImageFeatures(look([image])[0], cells)

    return MatchContext(
        extract=extract,
        optical=open_flow_backend(flowing, device if flowing.network else "cpu", compute.batch),
        how=make_match_config(params.get_section(MatchParams), device),
        side=params.get_section(DecodeParams).max_side,
    )
