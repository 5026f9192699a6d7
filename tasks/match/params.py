"""Parameters of the stage `match`: the section `match` of params.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.params import Params

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
