"""Multi-object tracking: detections of one object over time get one track id.

The whole video is known, so tracking has two passes. Online, frame by frame, Kalman filters predict boxes, which are
matched with ByteTrack's two-step association (Zhang et al., 2022) into tracklets that bridge short gaps. Offline, over
the whole video, tracklets are linked where the motion of both ends agrees across a longer gap (Huang et al., 2008),
tracks with a low mean score are dropped, and paths are smoothed and interpolated. All of it is compensated for camera
motion, estimated from the dense flow of the background. Appearance embeddings and boxes propagated by flow are optional
(see params). Lengths of time are in seconds, by the frames' presentation times; several detections of one object in a
frame count as one. A track has one class and lies in one shot. Last come the user's corrections (data/corrections),
which are found by where the boxes are.
"""

from __future__ import annotations

from dataclasses import replace

from tasks.artifacts.corrections import Corrections
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute
from tasks.stage import stage
from tasks.track.params import TrackParams


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"),
    weights=lambda params: (params.reid_weights,) if params.reid_weights else (),
    accelerator=True,
    kernels=("torch", "cuda"),
    kernels_for=lambda params: ("torch", "cuda") if params.reid_weights else (),
)
def track(  # noqa: PLR0917  a stage's signature names all it reads
    detections: Detections,
    dense_flow: DenseFlow,
    features: Features,
    frames: Frames,
    shots: Shots,
    corrections: Corrections,
    params: TrackParams,
    compute: Compute,
) -> Tracks:
    """Tracks, numbered from 1 in order of appearance; detections that belong to no lasting track are left out."""
    from tasks.track.apply_corrections import Film, apply_corrections
    from tasks.track.run_tracker import track_detections
    from tasks.track.visual_cues import make_visual_cues

    cues = make_visual_cues(detections, dense_flow, features, frames, params, compute)
    tracks = track_detections(detections, frames.pts_s, params, replace(cues, shot=shots.of_frames))
    class_ids = dict(zip(detections.class_name.tolist(), detections.class_id.tolist(), strict=True))
    film = Film(frames.film_frame, frames.pts_s, class_ids, frames.decode_report.file)
    return apply_corrections(tracks, corrections, film)
