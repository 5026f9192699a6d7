"""How much the results of a stage may differ between the CPU and CUDA, and why so much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class Tolerance:
    """The bound of one measure of agreement (comparisons.py)."""

    measure: str
    """What is compared, with its unit."""
    bound: float
    side: Literal["at least", "at most"]
    reason: str

    def accepts(self, value: float) -> bool:
        """Whether a measured value is within the bound; NaN is not."""
        return value >= self.bound if self.side == "at least" else value <= self.bound

    def describe(self) -> str:
        """The bound as it stands in the table."""
        return f"{self.side} {self.bound:g}"


TOLERANCES: Mapping[str, Tolerance] = MappingProxyType(
    {
        "detections": Tolerance(
            "share of boxes of score .3 and more that the other device has at IoU .9",
            0.97,
            "at least",
            "the backbone is in half precision, which moves scores by about .01; boxes near the threshold flip",
        ),
        "dense_flow": Tolerance(
            "mean end-point difference, px",
            0.1,
            "at most",
            "encoders and updates are in half precision; the stored step is 1/32 px",
        ),
        "features": Tolerance(
            "mean cosine of the vectors",
            0.999,
            "at least",
            "the backbone is in half precision, ten bits of mantissa; a wrong layer or scale gives far less",
        ),
        "semantic_flow": Tolerance(
            "share of cells with the same displacement",
            0.9999,
            "at least",
            "sums of quantized vectors are exact on both; only rounding of the refinement may differ",
        ),
        "poses": Tolerance(
            "share of poses whose trusted keypoints lie within 2 px on average",
            0.95,
            "at least",
            "the backbone is in half precision; a person near a threshold may be assigned otherwise",
        ),
        "actions": Tolerance(
            "largest difference of the probability of a first label",
            0.02,
            "at most",
            "I3D is in half precision; convolutions of the motion network are in TF32",
        ),
        "semantic_field": Tolerance(
            "share of pixels with the same label",
            0.99,
            "at least",
            "the plane volume is in single precision in another order of sums; labels flip at edges",
        ),
    }
)
"""By the folder of the artifact below data/."""
NOT_COMPARED: Mapping[str, str] = MappingProxyType(
    {
        "fit_axes": "computes nothing with the pretrained axes (fit_axes.fitted_on: samples)",
        "train": "computes nothing without labels",
        "track": "computes on CUDA only with track.appearance_source: crops",
    }
)
"""Stages with a CUDA path that are not compared, and why."""
