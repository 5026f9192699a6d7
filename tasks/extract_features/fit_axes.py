"""The axes that extract_features projects onto: those that the project ships, or fitted on the dataset's own frames.

Shipped axes make vectors of different datasets comparable, and a new video changes nothing about the old ones. Axes of
a dataset fit its pictures better; every video's features are made anew when a video comes or goes.
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

CELL_STRIDE = 3  # cells along each axis: neighbours say nearly the same


class FitAxesParams(Params):
    """Whose pictures decide what is kept."""

    fitted_on: Literal["samples", "dataset"]
    """samples: the axes that the project ships; dataset: fitted on the frames of all videos."""
    frames_per_video: int = Field(ge=1)
    """Frames of each video that are looked at, evenly spaced."""


@stage(
    libraries=("numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "torch"),
    weights=lambda _, seeing: (seeing.network,),
    accelerator=True,
    select_videos=lambda params, _: None if params.fitted_on == "dataset" else (),
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params, seeing: seeing.kernels if params.fitted_on == "dataset" else (),
)
def fit_axes(
    frames: Dataset[Frames], params: FitAxesParams, seeing: ExtractFeaturesParams, compute: Compute
) -> FeatureAxes:
    """Axes for the network and layers of extract_features; none where its `dimensions` is null."""
    facts = AxesMetadata(seeing.network, seeing.layers, params.fitted_on)
    if seeing.dimensions is None:
        return FeatureAxes(np.zeros((0, count_channels(seeing)), np.float16), facts)
    if params.fitted_on == "samples":
        from tasks.extract_features.pretrained_projection import load_pretrained_axes

        return FeatureAxes(load_pretrained_axes(seeing.network, seeing.layers, seeing.dimensions), facts)
    pictures = (image for _, video in frames.items() for image in iterate_spaced_frames(video, params.frames_per_video))
    return FeatureAxes(pack_projection(fit_feature_projection(pictures, seeing, compute, seeing.dimensions)), facts)


def iterate_spaced_frames(frames: Frames, count: int) -> Iterator[Image]:
    """At most `count` of the whole frames, evenly spaced."""
    whole = np.flatnonzero(frames.ok)
    if len(whole):
        for number in whole[pick_evenly(len(whole), count)]:
            yield frames.image(int(number))


def fit_feature_projection(
    pictures: Iterator[Image], seeing: ExtractFeaturesParams, compute: Compute, dimensions: int
) -> LinearProjection:
    """Axes fitted on pictures and on one view of each; BadParams where there is nothing to fit them on."""
    look = open_feature_extractor(seeing, compute, None)
    channels = count_channels(seeing)
    if dimensions > channels:
        raise BadParams(
            f"extract_features.dimensions must be at most {channels} for {seeing.network} with "
            f"{', '.join(seeing.layers)}, got {dimensions}"
        )
    moments = reduce(
        lambda sums, numbered: sums.add(*_extract_view_pair(numbered[1], numbered[0], look)),
        enumerate(pictures),
        ScatterMoments.none(channels),
    )
    if not moments.pairs:
        raise BadParams(
            "fit_axes.fitted_on: dataset needs videos with whole frames, got none; add videos or set it to samples"
        )
    return moments.projection(dimensions)


def _extract_view_pair(
    image: Image, number: int, look: FeatureExtractor
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of `image` and of a random view of it, and the differences between those of one place."""
    import cv2

    from tasks.geometry import synthetic_views

    camera, light = synthetic_views.sample_far_view(np.random.default_rng(number))
    view = synthetic_views.render_view(image, camera, light)
    first, second = (grid.astype(np.float32) for grid in look([image, view.image]))
    tall, wide = image.shape[:2]
    cells = make_cell_grid(tall, wide, *compute_input_size(tall, wide, look.side))
    seen: Any = cv2.perspectiveTransform(cells.centres(), view.homography)
    places = cells.to_cells(seen)
    inside = ((places >= 0) & (places <= (cells.columns - 1, cells.rows - 1))).all(axis=-1)
    apart = (first - _sample_bilinear(second, places))[inside]
    vectors = np.concatenate(
        [grid[::CELL_STRIDE, ::CELL_STRIDE].reshape(-1, grid.shape[-1]) for grid in (first, second)]
    )
    return vectors, apart[::CELL_STRIDE]


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
    mixed: Any = above + (under - above) * y
    return mixed
