"""Who is who over time, from the detections and what the pictures tell beside them.

The video is there to its end, so tracking has two passes. Frame by frame, boxes are carried forward by Kalman filters
and matched with ByteTrack's two-step association (Zhang et al., 2022) into tracklets that bridge short gaps. Then, over
the whole video, tracklets are linked where the motion of both ends agrees across a longer gap (Huang et al., 2008),
tracks with too little behind them are dropped, and paths are smoothed and filled. All of it goes along with the camera,
whose motion the background's dense flow tells; looks and boxes carried by flow can be added (see params).
Frames are taken as evenly spaced in time. Classes never mix.
"""

from __future__ import annotations

from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute
from tasks.stage import stage
from tasks.track.params import TrackParams


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"),
    weights=lambda params: (params.network,) if params.network else (),
    kernels=("torch", "cuda"),
    kernels_for=lambda params: ("torch", "cuda") if params.network else (),
)
def track(  # noqa: PLR0917  a stage's signature names all it reads
    detections: Detections,
    dense_flow: DenseFlow,
    features: Features,
    frames: Frames,
    params: TrackParams,
    compute: Compute,
) -> Tracks:
    """Identities of all detections that belong to something lasting, numbered in order of appearance."""
    from tasks.track.run_tracker import track_detections
    from tasks.track.visual_cues import make_visual_cues

    return track_detections(
        detections, params, make_visual_cues(detections, dense_flow, features, frames, params, compute)
    )
