"""Parameters of the stage `match`: the section `match` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

Stride = Annotated[int, Field(ge=1)]


class MatchParams(Params):
    """Which pairs of frames are matched, and how."""

    RENAMED: ClassVar[Mapping[str, str]] = {
        "every": "pair_interval",
        "flow_window": "flow_search_radius",
        "region_score": "region_min_score",
        "region_cosine": "region_min_cosine",
    }

    strides: tuple[Stride, ...] = Field(min_length=1)
    """Distances in frames between the two frames of a pair: 1 is the next frame, to which dense flow is more exact. The
    later frame's features must be stored too, see frame_offsets of extract_features."""
    pair_interval: int = Field(ge=1)
    """Frames between the first frames of successive pairs; 1: each frame. A pair of 640x360 takes 22 kB."""
    similarity: Literal["cosine", "euclidean"]
    """Similarity of two vectors; on unit vectors both rank alike."""
    refine_radius: int = Field(ge=0, le=8)
    """Cells around the best one whose weighted mean refines a match to a fraction of a cell; 0: whole cells."""
    temperature: float = Field(gt=0)
    """Of the softmax that gives these weights: a similarity smaller by this weighs e times less."""
    consensus_radius: int = Field(ge=0, le=16)
    """Cells to each side of an unsure one around whose median displacement it is matched again, and how far; as many
    cells around each one refine its match by their affine motion; 0: neither."""
    flow_search_radius: int | None = Field(ge=0)
    """Cells searched around the position that valid optical flow predicts; null: all cells."""
    region_min_score: float = Field(ge=0, le=1)
    """Detections with a lower score are not matched."""
    region_min_cosine: float = Field(ge=-1, le=1)
    """Cosine above which two regions may match."""
    region_same_class: bool
    """Whether regions match only within the same class."""

    @model_validator(mode="after")
    def _check_strides(self) -> Self:
        repeated = [stride for stride in self.strides if self.strides.count(stride) > 1]
        if repeated:
            raise ValueError(f"strides must differ from each other, got {repeated[0]} more than once")
        return self
