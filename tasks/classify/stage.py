"""What is done in a video: two streams look at windows of it, one at pictures and one at motion, and are fused late.

Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos" (NIPS 2014): appearance and
motion are judged apart, so that a motion is known as a motion and not by its scenery. Where a team has trained its own
labels, both streams share them and a fused row stands beside theirs. Without, appearance is judged in the words of
Kinetics-400 and motion in those of the model that ships with semflow; words that differ cannot be fused.
"""

from __future__ import annotations

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import Actions
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.tracks import Tracks
from tasks.classify.params import ClassifyParams
from tasks.params import Compute
from tasks.stage import stage


# MobileNetV2 is what a team's light spatial head reads.
@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch", "torchvision"),
    weights=lambda params: ("i3d-kinetics-400", "mobilenet-v2") if params.network == "i3d" else ("mobilenet-v2",),
    accelerator=True,
    kernels=("torch", "cuda"),
)
def classify(
    frames: Frames,
    dense_flow: DenseFlow,
    tracks: Tracks,
    action_model: ActionModel,
    *,
    params: ClassifyParams,
    compute: Compute,
) -> Actions:
    """Five labels for every window, stream and subject; no rows where no frame is whole."""
    from tasks.classify.action_table import build_action_table
    from tasks.classify.classification_inputs import ClassificationInputs
    from tasks.classify.flow_stream import predict_flow
    from tasks.classify.fuse import fuse_predictions
    from tasks.classify.person_selection import select_longest_tracks
    from tasks.classify.rgb_stream import predict_rgb
    from tasks.device import resolve_device
    from tasks.streams.video_clips import make_clip_windows

    viewing = ClassificationInputs(
        frames=frames,
        dense_flow=dense_flow,
        windows=make_clip_windows(frames.pts_s, frames.ok, dense_flow.cut, params.clips),
        people=select_longest_tracks(tracks, params.people),
        model=action_model,
        params=params,
        device=resolve_device(compute.device),
    )
    alone = [*predict_rgb(viewing), *predict_flow(viewing)]
    return build_action_table(viewing, [*alone, *fuse_predictions(alone, action_model.fusion)])
