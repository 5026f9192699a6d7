"""What the pictures tell the tracker beside the detections: the camera's motion, looks, and dense flow.

Each part may be missing, and all of them where there are detections alone; what a missing part would have changed then
stays as the detections have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.track.camera import Camera, background_motion

if TYPE_CHECKING:
    from tasks.track.stage import TrackParams

INNER = np.array(
    [0.6, 0.8]
)  # of width and height: what is looked at; around a person's middle there is less background
Look = Callable[[int, NDArray[np.floating[Any]]], NDArray[np.float32] | None]
"""(frame, (n, 4) xyxy) to (n, d) unit vectors of what the boxes hold; None where the frame has none."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What is known beside the detections."""

    camera: Camera | None = None
    look: Look | None = None
    dimensions: int = 0
    """Of what `look` gives; 0 without it."""
    flow: DenseFlow | None = None
    """What carries boxes over frames in which the detector missed them."""

    def looks(self, frame: int, xyxy: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """(n, dimensions) unit vectors of (n, 4) boxes, zeros where the frame has no picture."""
        centre, half = (xyxy[:, :2] + xyxy[:, 2:]) / 2, INNER * (xyxy[:, 2:] - xyxy[:, :2]) / 2
        inner = np.concatenate([centre - half, centre + half], axis=1)
        found = self.look(frame, inner) if self.look and len(xyxy) else None
        return np.zeros((len(xyxy), self.dimensions), np.float32) if found is None else found


BLIND = Sight()


def open_sight(detections: Detections, dense_flow: DenseFlow, features: Features, params: TrackParams) -> Sight:
    """What `params` ask for."""
    looking = params.appearance != "none" or params.link_appearance > 0
    return Sight(
        camera=background_motion(dense_flow, detections, params.low_score) if params.camera else None,
        look=features.pooled if looking else None,
        dimensions=features.values.shape[-1] if looking else 0,
        flow=dense_flow if params.carry else None,
    )
