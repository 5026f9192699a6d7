"""A propagation problem: a sequence, the labels of some of its frames, and how to propagate them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import ClassProbabilities, LabelMap
from tasks.label_propagation.cell_search import SearchGrid
from tasks.label_propagation.propagation_config import PropagationConfig
from tasks.sequence.sequence_view import SequenceView
from tasks.sequence.warp_cache import BackwardWarpCache

RefineLabels = Callable[[int, ClassProbabilities], ClassProbabilities | None]
"""Frame and (h, w, c) probabilities to refined ones, None where nothing is; see mask_refinement.MaskRefiner."""


@dataclass(frozen=True)
class PropagationTask:
    """A sequence, the labels of some of its frames, and how to propagate them."""

    view: SequenceView
    labels: Mapping[int, LabelMap]
    classes: int
    config: PropagationConfig
    evidence_weights: NDArray[np.float32]
    """(kinds,)."""
    warps: BackwardWarpCache
    grids: Callable[[int], SearchGrid | None]
    """The features of a frame, arranged for the search; None where it is missing."""
    one_hot: Callable[[int], ClassProbabilities]
    """(h, w, c) the label of a labelled frame: 1 for the class of each pixel, zeros where it is unknown."""
    mask_refiner: RefineLabels | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """Of the fit of the evidence weights."""
