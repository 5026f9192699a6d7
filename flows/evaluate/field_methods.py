"""Who takes part in `semflow eval field`: a table of functions from a problem to the labels of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache, partial

import numpy as np

from flows.evaluate import field_baselines as baselines
from flows.evaluate import field_point as point
from flows.evaluate.field_geometry import motion_of, volume_of
from flows.evaluate.synthetic_case import Problem
from tasks.arrays import LabelMap
from tasks.label_propagation.propagate_labels import propagate_labels
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.sequence_view import SequenceView

Method = Callable[[Problem], LabelMap]
"""A problem to (t, h, w) classes."""

RIVALS: Mapping[str, Mapping[str, Method]] = {
    "copy": {"copy": baselines.copied},
    "per point": {
        "per point": partial(point.per_point, encoding=point.PLAIN),
        "per point, features": partial(point.per_point, encoding=point.FEATURES),
    },
    "smooth per point": {"per point, smooth": partial(point.per_point, encoding=point.SMOOTH)},
    "flow": {
        "flow chained": baselines.flow_chained,
        "flow chained, filled": baselines.flow_filled,
        "flow direct": baselines.flow_direct,
        "flow chained and direct": baselines.flow_both,
    },
    "features": {
        "features anywhere": baselines.nearest_features,
        "features near by": baselines.nearest_features_near,
    },
    "propagation": {"features fed on": baselines.feature_propagation},
}
"""Kind of baseline to its variants; a field must beat the best of each kind."""

ABLATIONS: Mapping[str, Mapping[str, bool | int]] = {
    "without density": {"density": False, "volume": False},
    "without the volume": {"volume": False},
    "without attention": {"fit_weights": False},
    "without semantic hypotheses": {"semantic": False},
    "without the regression": {"classifier": False},
    "without chained hypotheses": {"chained": False},
    "without direct hypotheses": {"direct": False},
    "without the frame before": {"previous": False},
    "single hypothesis": {"single_match": True},
    "without consistency": {"temporal_smoothing": False},
    "without coherence": {"spatial_smoothing": False},
    "without consistency and coherence": {"temporal_smoothing": False, "spatial_smoothing": False},
    "one round": {"smoothing_rounds": 1},
    "without looks": {"check_appearance": False},
}
"""The field without one of its parts: switches of `How`."""


def field(problem: Problem, how: PropagationConfig = DEFAULT_CONFIG) -> LabelMap:
    """(t, h, w) labels of the semantic field."""
    clip = SequenceView(
        length=len(problem),
        height=problem.size[0],
        width=problem.size[1],
        cells=problem.cells,
        feature_grid=lambda frame: problem.grids[frame],
        motion=partial(motion_of, problem),
        images=lambda frame: problem.images[frame],
        direct_flow=problem.direct,
        volume_warp=_through(problem) if how.volume else None,
    )
    maps = propagate_labels(clip, problem.labels, problem.class_count, how)
    return np.stack([found.label for found in maps if found is not None])


def ablated(without: str) -> Method:
    """The field without a part that ABLATIONS names."""
    return partial(field, how=replace(DEFAULT_CONFIG, **ABLATIONS[without]))


@lru_cache(maxsize=8)  # of as many scenes as are looked at again and again
def _through(problem: Problem) -> Callable[[int, int], WarpField]:
    """Trails through the scene's volume."""
    return cache(volume_of(problem).compute_warp_field)
