"""Stage `fit_axes`: the projection of extract_features, pretrained on samples or fitted on the dataset's own frames.

Pretrained axes keep vectors of different datasets comparable, and a new video does not change old features. Axes fitted
on the dataset suit its images better, but all features are recomputed when a video is added or removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.arrays import Image
from tasks.artifacts.artifact import Dataset
from tasks.artifacts.feature_axes import AxesMetadata, FeatureAxes, pack_projection
from tasks.artifacts.frames import Frames
from tasks.errors import BadParams
from tasks.extract_features.feature_extractor import (
    FeatureExtractor,
    compute_input_size,
    count_channels,
    make_cell_grid,
    open_feature_extractor,
)
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.wccn_projection import LinearProjection, ScatterMoments
from tasks.params import Compute, Params
from tasks.stage import stage

CELL_STRIDE = 3  # every third cell along each axis: neighbouring cells are nearly the same


class FitAxesParams(Params):
    """Which frames the axes are fitted on."""

    fitted_on: Literal["samples", "dataset"]
    """samples: the pretrained axes; dataset: fitted on the frames of all videos."""
    frames_per_video: int = Field(ge=1)
    """Frames of each video to fit on, evenly spaced."""


@stage(
    libraries=("numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "torch"),
    weights=lambda _, feature_params: (feature_params.network,),
    accelerator=True,
    select_videos=lambda params, _: None if params.fitted_on == "dataset" else (),
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params, feature_params: feature_params.kernels if params.fitted_on == "dataset" else (),
)
def fit_axes(
    frames: Dataset[Frames], params: FitAxesParams, feature_params: ExtractFeaturesParams, compute: Compute
) -> FeatureAxes:
    """Projection axes for the network and layers of extract_features; none where its `dimensions` is null."""
    facts = AxesMetadata(feature_params.network, feature_params.layers, params.fitted_on)
    if feature_params.dimensions is None:
        return FeatureAxes(np.zeros((0, count_channels(feature_params)), np.float16), facts)
    if params.fitted_on == "samples":
        from tasks.extract_features.pretrained_projection import load_pretrained_axes

        return FeatureAxes(
            load_pretrained_axes(feature_params.network, feature_params.layers, feature_params.dimensions), facts
        )
    images = (image for _, video in frames.items() for image in iterate_spaced_frames(video, params.frames_per_video))
    return FeatureAxes(
        pack_projection(fit_feature_projection(images, feature_params, compute, feature_params.dimensions)), facts
    )


def iterate_spaced_frames(frames: Frames, count: int) -> Iterator[Image]:
    """At most `count` whole frames, evenly spaced."""
    whole = np.flatnonzero(frames.ok)
    if len(whole):
        for number in whole[pick_evenly(len(whole), count)]:
            yield frames.image(int(number))


def fit_feature_projection(
    images: Iterator[Image], feature_params: ExtractFeaturesParams, compute: Compute, dimensions: int
) -> LinearProjection:
    """WCCN projection fitted on images and a synthetic view of each; BadParams without any image."""
    extractor = open_feature_extractor(feature_params, compute, None)
    channels = count_channels(feature_params)
    if dimensions > channels:
        raise BadParams(
            f"extract_features.dimensions must be at most {channels} for {feature_params.network} with "
            f"{', '.join(feature_params.layers)}, got {dimensions}"
        )
    moments = reduce(
        lambda sums, numbered: sums.add_pairs(*_extract_view_pair(numbered[1], numbered[0], extractor)),
        enumerate(images),
        ScatterMoments.make_empty(channels),
    )
    if not moments.pairs:
        raise BadParams(
            "fit_axes.fitted_on: dataset needs videos with whole frames, got none; add videos or set it to samples"
        )
    return moments.fit_projection(dimensions)


def _extract_view_pair(
    image: Image, number: int, extractor: FeatureExtractor
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of `image` and of a random view of it, and their differences at the same points."""
    import cv2

    from tasks.geometry import synthetic_views

    camera, light = synthetic_views.sample_far_view(np.random.default_rng(number))
    view = synthetic_views.render_view(image, camera, light)
    first, second = (grid.astype(np.float32) for grid in extractor([image, view.image]))
    height, width = image.shape[:2]
    cells = make_cell_grid(height, width, *compute_input_size(height, width, extractor.image_side))
    projected: Any = cv2.perspectiveTransform(cells.cell_centres(), view.homography)
    places = cells.to_cells(projected)
    inside = ((places >= 0) & (places <= (cells.columns - 1, cells.rows - 1))).all(axis=-1)
    differences = (first - _sample_bilinear(second, places))[inside]
    vectors = np.concatenate(
        [grid[::CELL_STRIDE, ::CELL_STRIDE].reshape(-1, grid.shape[-1]) for grid in (first, second)]
    )
    return vectors, differences[::CELL_STRIDE]


def _sample_bilinear(grid: NDArray[np.float32], places: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """(h, w, c) vectors of a grid at fractional columns and rows, by linear interpolation; clamped at the border."""
    rows, columns = grid.shape[:2]
    column, row = np.clip(places[..., 0], 0, columns - 1), np.clip(places[..., 1], 0, rows - 1)
    left = np.minimum(column.astype(int), max(columns - 2, 0))
    top = np.minimum(row.astype(int), max(rows - 2, 0))
    right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    x, y = (column - left)[..., None].astype(np.float32), (row - top)[..., None].astype(np.float32)
    above = grid[top, left] + (grid[top, right] - grid[top, left]) * x
    under = grid[below, left] + (grid[below, right] - grid[below, left]) * x
    values: Any = above + (under - above) * y
    return values
