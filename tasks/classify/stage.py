"""Two-stream action recognition: labels of every window by appearance (rgb), by motion (flow), and by late fusion.

Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action Recognition in Videos" (NIPS 2014): appearance and
motion are classified by separate networks, so that a motion is recognised by itself and not by its scenery. Where a
team has trained a model, both streams predict its labels, and their fusion is a third row. Without one, the rgb stream
predicts Kinetics-400 and the flow stream the labels of the pretrained model; different vocabularies are not fused."""

from __future__ import annotations

from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.actions import Actions
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.classify.params import ClassifyParams
from tasks.params import Compute
from tasks.stage import stage


# A team's light spatial head reads the features of MobileNetV2.
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
    shots: Shots,
    params: ClassifyParams,
    compute: Compute,
) -> Actions:
    """Five labels for every window, stream and subject; no rows where no frame is whole."""
    from tasks.classify.action_table import build_action_table
    from tasks.classify.classification_inputs import ClassificationInputs
    from tasks.classify.flow_stream import predict_flow
    from tasks.classify.person_selection import select_longest_tracks
    from tasks.classify.rgb_stream import predict_rgb
    from tasks.classify.stream_prediction import fuse_predictions
    from tasks.classify.subject_windows import make_subject_windows
    from tasks.device import resolve_device

    people = select_longest_tracks(tracks, params.max_people)
    inputs = ClassificationInputs(
        frames=frames,
        dense_flow=dense_flow,
        subjects=make_subject_windows(frames.pts_s, frames.ok, shots.boundary, people, params.window_plan),
        model=action_model,
        params=params,
        device=resolve_device(compute.device),
    )
    single = [*predict_rgb(inputs), *predict_flow(inputs)]
    return build_action_table(inputs, [*single, *fuse_predictions(single, action_model.fusion)])
