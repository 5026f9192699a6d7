"""Methods and ablations of `semflow eval field`: functions from a case to the labels of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, lru_cache, partial

import numpy as np

from flows.evaluate import field_baselines as baselines
from flows.evaluate import field_point as point
from flows.evaluate.field_geometry import fit_case_volume, make_pair_motion
from flows.evaluate.synthetic_case import SyntheticCase
from tasks.arrays import LabelMap
from tasks.label_propagation.propagate_labels import propagate_labels
from tasks.label_propagation.propagation_config import DEFAULT_CONFIG, PropagationConfig
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.sequence_view import SequenceView

LabelMethod = Callable[[SyntheticCase], LabelMap]
"""Function from a case to (t, h, w) classes."""

BASELINES: Mapping[str, Mapping[str, LabelMethod]] = {
    "copy": {"copy": baselines.copy_nearest_labels},
    "per point": {
        "per point": partial(point.fit_per_point, encoding=point.PLAIN),
        "per point, features": partial(point.fit_per_point, encoding=point.FEATURES),
    },
    "smooth per point": {"per point, smooth": partial(point.fit_per_point, encoding=point.SMOOTH)},
    "flow": {
        "flow chained": baselines.warp_along_chained_flow,
        "flow chained, filled": baselines.warp_and_fill,
        "flow direct": baselines.warp_by_direct_flow,
        "flow chained and direct": baselines.warp_by_both_flows,
    },
    "features": {
        "features anywhere": baselines.match_nearest_features,
        "features near by": baselines.match_features_nearby,
    },
    "propagation": {"features fed on": baselines.propagate_by_features},
}
"""Kind of baseline to its variants; the field is compared to the best of each kind."""

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


def propagate_field(case: SyntheticCase, how: PropagationConfig = DEFAULT_CONFIG) -> LabelMap:
    """(t, h, w) labels of the semantic field."""
    clip = SequenceView(
        length=len(case),
        height=case.size[0],
        width=case.size[1],
        cells=case.cells,
        feature_grid=lambda frame: case.grids[frame],
        motion=partial(make_pair_motion, case),
        images=lambda frame: case.images[frame],
        direct_flow=case.direct,
        volume_warp=_volume_warps(case) if how.volume else None,
    )
    maps = propagate_labels(clip, case.labels, case.class_count, how)
    return np.stack([found.label for found in maps if found is not None])


def make_ablation(without: str) -> LabelMethod:
    """The field without a component of ABLATIONS."""
    return partial(propagate_field, how=replace(DEFAULT_CONFIG, **ABLATIONS[without]))


@lru_cache(maxsize=8)  # scenes that are evaluated repeatedly
def _volume_warps(case: SyntheticCase) -> Callable[[int, int], WarpField]:
    """Trails through the scene's volume."""
    return cache(fit_case_volume(case).compute_warp_field)
