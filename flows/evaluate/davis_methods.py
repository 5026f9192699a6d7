"""Ways to carry the first mask of a DAVIS sequence through it: baselines, and the semantic field.

Each is a function of the sequence to the frames in order, with the (h, w) soft mask at working size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from flows.evaluate.davis_sequence import CLASSES, DavisSequence
from tasks.arrays import ClassProbabilities, Floats32
from tasks.geometry.feature_propagation import GridPropagationConfig, propagate_grid_labels
from tasks.geometry.warp import warp_image
from tasks.label_propagation.mask_refinement import MaskRefiner
from tasks.label_propagation.memory_bank import compute_cosine_spread
from tasks.label_propagation.propagate_labels import classify_frames, make_propagation_task
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG
from tasks.sequence.label_map import encode_one_hot, pool_to_cells, upsample_to_pixels

# Of plain propagation, as Jabri et al. (2020) set them; the temperature, in units of the cosine spread, is the field's.
PLAIN_RADIUS, PLAIN_COUNT, PLAIN_MEMORY = 12, 10, 5
PLAIN_TEMPERATURE = 0.1


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


def propagate_first_mask(sequence: DavisSequence, refiner: MaskRefiner | None = None) -> Iterator[tuple[int, Floats32]]:
    """The first mask propagated by feature similarity.

    With a `refiner` instance masks refine what is yielded and what is fed back to the next frames.
    """
    clip = sequence.clip
    refined: dict[int, ClassProbabilities] = {}

    def feed_back(number: int, found: Any) -> Any:
        if refiner is None:
            return found
        fed_back = refiner(number + 1, upsample_to_pixels(found, clip.cells, clip.height, clip.width))
        if fed_back is None:
            return found
        refined[number + 1] = fed_back
        return pool_to_cells(fed_back, clip.cells)

    grids: Iterable[Any] = (clip.feature_grid(frame) for frame in range(1, clip.length))
    first = clip.feature_grid(0)
    assert first is not None
    temperature = PLAIN_TEMPERATURE * compute_cosine_spread(first)
    how = GridPropagationConfig(PLAIN_RADIUS, PLAIN_COUNT, temperature, PLAIN_MEMORY)
    labels = pool_to_cells(encode_one_hot(sequence.first, CLASSES), clip.cells)
    for frame, found in enumerate(propagate_grid_labels(first, grids, labels, how, feed_back), start=1):
        assert found is not None
        pixels = refined.pop(frame, None)
        if pixels is None:
            pixels = upsample_to_pixels(found, clip.cells, clip.height, clip.width)
        yield frame, np.ascontiguousarray(pixels[..., 1])


def fit_semantic_field(sequence: DavisSequence, refiner: MaskRefiner | None) -> Iterator[tuple[int, Floats32]]:
    """The semantic field, with instance masks if `refiner` is given."""
    maps = classify_frames(make_propagation_task(sequence.clip, {0: sequence.first}, CLASSES, DEFAULT_CONFIG, refiner))
    for frame, found in enumerate(maps):
        assert found is not None
        yield frame, np.ascontiguousarray(found.probabilities[..., 1])
