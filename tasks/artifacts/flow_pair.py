"""Dense optical flow of one pair of frames, and the metadata of a file of such pairs."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask
from tasks.artifacts.artifact import MAKE_AGAIN
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.errors import SemflowError


@dataclass(frozen=True)
class FlowMetadata:
    """Metadata of the whole file."""

    frame_count: int
    """Rows of the frames artifact; there is one pair less, and none where there are no frames."""
    backend: str
    """Flow estimator: dis, farneback, raft-small or raft."""
    encoding: FlowEncoding
    """Size of the flow fields, and their byte format."""
    video: str = ""
    """Name of the video; "" outside a data set, and in files of schema 1."""

    @classmethod
    def from_json(cls, text: bytes, name: str) -> Self:
        """Parsed metadata of the file `name`; SemflowError where its fields are not those of this version."""
        values: dict[str, Any] = json.loads(text)
        encoding: dict[str, Any] = values.pop("encoding", {})
        if {*values, "encoding", "video"} != _field_names(cls) or set(encoding) != _field_names(FlowEncoding):
            raise SemflowError(
                f"{name} must carry the metadata of this version, got {', '.join(sorted(values | encoding))}; "
                f"{MAKE_AGAIN}"
            )
        return cls(**values, encoding=FlowEncoding(**encoding))


@dataclass(frozen=True, eq=False)
class FlowPair:
    """Dense flow of frames (i, i + 1) at working size, in pixels."""

    forward: FlowField
    """(h, w, 2) from frame i to i + 1."""
    backward: FlowField
    """(h, w, 2) from frame i + 1 to i."""
    valid: Mask
    """(h, w) pixels of frame i where both flows agree; elsewhere the point is occluded in i + 1 or a flow is wrong."""
    valid_backward: Mask
    """(h, w) the same for frame i + 1."""
    photometric_error: float
    """Mean difference of frame i and frame i + 1 warped onto it, grey levels 0..255; NaN where a frame is missing."""
    cut: bool
    """Whether there is a cut between the two frames; then the flow is zero and nowhere valid."""
    camera: NDArray[np.float64]
    """(3, 3) homography of the dominant (camera) motion, from frame i to i + 1."""
    camera_inliers: float
    """Share of the valid vectors that fit the homography, 0..1; 0 where too few were valid to estimate it."""
    stored: tuple[FlowField, FlowField] | None = None
    """Forward and backward flow on the grid of the encoding, where they are known already."""

    @classmethod
    def empty(cls, encoding: FlowEncoding, photometric_error: float = float("nan"), cut: bool = False) -> Self:
        """A pair without flow: a cut, or a damaged or lost frame."""
        return cls(
            forward=encoding.decode(None),
            backward=encoding.decode(None),
            valid=encoding.decode_mask(None),
            valid_backward=encoding.decode_mask(None),
            photometric_error=photometric_error,
            cut=cut,
            camera=np.eye(3),
            camera_inliers=0.0,
        )

    @property
    def known(self) -> bool:
        """Whether there is flow: False for a cut, and where a frame is missing."""
        return not (self.cut or np.isnan(self.photometric_error))


def _field_names(kind: Any) -> set[str]:
    return {f.name for f in fields(kind)}
