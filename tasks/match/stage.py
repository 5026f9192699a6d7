"""Semantic correspondence between frames: cell by cell as semantic flow, and region by region as matches.

Each cell of the feature grid of one frame is matched with the most similar cell of a later frame (grid_matching.py),
across changes of pose, light or scale; optical flow tracks the same point over small motions, and where both are known
their agreement is stored. Detections are matched by the mean vectors of their boxes (region_matching.py).
"""

from __future__ import annotations

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.matches import Matches
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.match.params import MatchParams
from tasks.params import Compute
from tasks.stage import stage


# Sums are exact (exact_similarity.py): on a CPU no kernel changes them.
@stage(libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"), accelerator=True, kernels=("cuda",))
def match(
    features: Features, dense_flow: DenseFlow, detections: Detections, params: MatchParams, compute: Compute
) -> tuple[StreamingArtifact[SemanticFlow], Matches]:
    """Semantic flow and region matches of the scheduled pairs of frames."""
    from tasks.device import resolve_device
    from tasks.match.detection_matches import match_detections
    from tasks.match.pair_schedule import schedule_pairs
    from tasks.match.semantic_matching import VideoGrids, stream_semantic_flow

    for frame, strides in schedule_pairs(len(features), params.strides, params.pair_interval):
        features.check_stored([frame, *(frame + stride for stride in strides)], "match.pair_interval and match.strides")
    facts = features.metadata
    grids = VideoGrids(
        features.vectors,
        SemanticFlowMetadata(len(features), facts.width, facts.height, facts.grid, facts.video),
        features.time_s,
    )
    return (
        stream_semantic_flow(grids, dense_flow, params, resolve_device(compute.device)),
        match_detections(detections, features.pool_box_features, params),
    )
