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

Look = Callable[[int, NDArray[np.floating[Any]]], NDArray[np.float32] | None]
"""(frame, (n, 4) xyxy) to (n, d) unit vectors of what the boxes hold; None where the frame has none."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What is known beside the detections."""

    camera: Camera | None = None
    look: Look | None = None
    flow: DenseFlow | None = None
    """What carries boxes over frames in which the detector missed them."""


BLIND = Sight()


def open_sight(detections: Detections, dense_flow: DenseFlow, features: Features, params: TrackParams) -> Sight:
    """What `params` ask for."""
    return Sight(
        camera=background_motion(dense_flow, detections, params.low_score) if params.camera else None,
        look=features.pooled if params.appearance != "none" or params.link_appearance else None,
        flow=dense_flow if params.carry else None,
    )
