"""What means the same in two frames: cell by cell as semantic flow, and region by region.

Each cell of the feature grid of one frame is linked with the cell of a later frame that resembles it most (grids.py),
though pose, light or scale changed; optical flow links the same point over small motions, and where both are known they
are compared. Detections are linked by the mean vectors of their boxes (regions.py).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.artifacts.artifact import Streamed
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.matches import Matches
from tasks.artifacts.semantic_flow import SemanticFacts, SemanticFlow
from tasks.params import Compute, Params
from tasks.stage import stage

Stride = Annotated[int, Field(ge=1)]


class MatchParams(Params):
    """Which frames are matched, and how."""

    strides: tuple[Stride, ...] = Field(min_length=1)
    """Distances in frames between the two frames of a pair: 1 is the next frame."""
    every: int = Field(ge=1)
    """Pairs begin at every n-th frame: 1 at each. A pair of 640x360 takes 22 kB."""
    similarity: Literal["cosine", "euclidean"]
    """How alike two vectors are; on unit vectors both rank alike."""
    refine_radius: int = Field(ge=0, le=8)
    """Cells around the best one whose weighted mean refines a match to a fraction of a cell; 0: whole cells."""
    temperature: float = Field(gt=0)
    """Of these weights: a similarity smaller by this weighs e times less."""
    consensus_radius: int = Field(ge=0, le=16)
    """Cells around an unsure one that are asked where they went, and searched around there; 0: each cell alone."""
    flow_window: int | None = Field(ge=0)
    """Cells around the place where optical flow carries a cell that are searched, where flow is valid; null: all."""
    region_score: float = Field(ge=0, le=1)
    """Detections with a lower score are not matched."""
    region_cosine: float = Field(ge=-1, le=1)
    """Regions must resemble each other by more than this."""
    region_same_class: bool
    """Whether a region may be matched with one of its own class only."""

    @model_validator(mode="after")
    def _different(self) -> Self:
        twice = [stride for stride in self.strides if self.strides.count(stride) > 1]
        if twice:
            raise ValueError(f"strides must differ from each other, got {twice[0]} more than once")
        return self


# Sums are exact (similarity.py): on a CPU no kernel changes them.
@stage(libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"), accelerator=True, kernels=("cuda",))
def match(
    features: Features, dense_flow: DenseFlow, detections: Detections, params: MatchParams, compute: Compute
) -> tuple[Streamed[SemanticFlow], Matches]:
    """Semantic flow and matches of regions for the pairs of frames that `params` ask for."""
    from tasks.device import resolve_device
    from tasks.match.detected import match_detections
    from tasks.match.semantic import Grids, semantic_flow

    grids = Grids(
        features.vectors,
        SemanticFacts(len(features), features.facts.width, features.facts.height, features.facts.grid),
    )
    return (
        semantic_flow(grids, dense_flow, params, resolve_device(compute.device)),
        match_detections(detections, features.pooled, params),
    )
