"""Feature grids of the scheduled frames: activations of a backbone pretrained on ImageNet.

Layers of stride 8, 16 and 32 (edges, shapes, parts) are joined on the stride-8 grid (hypercolumns.py); the coarse ones
carry class information, the fine ones localisation. A projection reduces the vectors to `dimensions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat, takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.extract_features.feature_extractor import (
    count_channels,
    make_feature_metadata,
    open_feature_extractor,
)
from tasks.extract_features.frame_schedule import schedule_frames
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.params import Compute
from tasks.stage import stage


@stage(
    libraries=("numpy", "onnx", "onnxruntime", "opencv-python", "pyarrow", "torch"),
    weights=lambda params: (params.network,),
    accelerator=True,
    kernels=("onnxruntime", "cuda"),
    kernels_for=lambda params: params.kernels,
)
def extract_features(
    frames: Frames, feature_axes: FeatureAxes, params: ExtractFeaturesParams, compute: Compute
) -> StreamingArtifact[Features]:
    """A grid of feature vectors for every scheduled frame; zeros where a frame is damaged or lost."""
    scheduled = schedule_frames(len(frames), params.frame_interval, params.frame_offsets)
    facts = make_feature_metadata(frames, params, scheduled)
    grid = facts.grid

    def rows() -> Iterator[NDArray[np.floating[Any]]]:
        extractor = open_feature_extractor(params, compute, feature_axes.projection)
        size = compute.batch if extractor.is_batched else 1
        missing = np.zeros((grid.rows, grid.columns, channels), np.float16)
        waiting = iter(scheduled)
        for numbers, images in frames.batches(size, scheduled):
            for number, found in zip(numbers, extractor(images), strict=True):
                for _ in takewhile(number.__ne__, waiting):  # stops at `number`, behind the frames without an image
                    yield missing
                yield found
        yield from repeat(missing, sum(1 for _ in waiting))

    channels = params.dimensions or count_channels(params)
    return Features.stream(rows(), scheduled, len(frames), channels, facts)
