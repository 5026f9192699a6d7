"""Training of both streams on a team's own labels: `data/labels/actions.csv` in, model and metrics out.

Frozen networks extract features of every labelled segment, and linear heads are fitted to them: minutes on a CPU for
some hundred labels. With `temporal: full` the whole temporal network is fine-tuned, for which CUDA is advisable. A
share of the videos is held out; accuracy and confusion matrix on them are part of the model and shown in the report.
Without labels the result is the pretrained model that ships with semflow."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks.artifacts.action_labels import ActionLabels
from tasks.artifacts.action_model import ActionModel
from tasks.artifacts.artifact import Dataset, UserInput
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute
from tasks.stage import stage
from tasks.train.params import TrainParams


def select_labelled_videos(params: TrainParams, sources: Mapping[str, UserInput]) -> Collection[str]:
    """The videos that the labels name: other videos are no inputs of the training."""
    del params
    labels = sources["action_labels"]
    assert isinstance(labels, ActionLabels)
    return labels.videos


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "scipy", "torch"),
    weights=lambda params: params.networks,
    accelerator=True,
    select_videos=select_labelled_videos,
    kernels=("torch", "cuda"),
)
def train(
    frames: Dataset[Frames], dense_flow: Dataset[DenseFlow], tracks: Dataset[Tracks], action_labels: ActionLabels,
    *, shots: Dataset[Shots], params: TrainParams, compute: Compute,
) -> ActionModel:  # fmt: skip
    """The model of the team's labels, without labels the pretrained one; BadInput where labels fit no video."""
    if not action_labels.given:
        from tasks.train.pretrained_model import load_pretrained_model

        return load_pretrained_model()
    from tasks.device import resolve_device
    from tasks.train.label_segments import TrainingVideos
    from tasks.train.pretrained_model import load_pretrained_temporal
    from tasks.train.stream_features import TrainContext
    from tasks.train.train_action_model import train_action_model

    context = TrainContext(params, load_pretrained_temporal(), resolve_device(compute.device))
    return train_action_model(TrainingVideos(frames, dense_flow, tracks, shots), action_labels, context)
