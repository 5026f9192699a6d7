"""The stage `fit_field`: label maps of a whole video from labels on a few frames (video object segmentation).

Tian et al., "Semantic Flow: Learning Semantic Fields of Dynamic Scenes from Monocular Videos" (2024), learn semantics
from the trajectory of each point. This stage does so without camera poses and in minutes: several kinds of evidence
(flow chains, feature matches, a multiplane volume; see tasks/label_propagation) carry labels from labelled frames to
every pixel. Seed labels are the user's (`data/labels/<video>/`), or else masks of tracked objects by YOLO26n-seg.
"""

from __future__ import annotations

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.camera_poses import CameraPoses
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.field_labels import FieldLabels
from tasks.artifacts.frames import Frames
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.checkpoints import Checkpoints
from tasks.fit_field.params import FitFieldParams
from tasks.params import Compute
from tasks.stage import stage


@stage(
    libraries=(
        "numpy", "onnx", "onnxruntime", "opencv-python", "pillow", "pyarrow", "scipy", "torch", "torchvision",
        "ultralytics",
    ),
    weights=lambda params: ("yolo26n-seg",) if params.segments else (),
    kernels=("onnxruntime", "torch", "cuda"),
    kernels_for=lambda params: params.kernels,
)  # fmt: skip
def fit_field(  # noqa: PLR0913, PLR0917  a stage's signature names all it reads
    frames: Frames,
    dense_flow: DenseFlow,
    features: Features,
    semantic_flow: SemanticFlow,
    tracks: Tracks,
    field_labels: FieldLabels,
    camera_poses: CameraPoses,
    shots: Shots,
    params: FitFieldParams,
    compute: Compute,
    checkpoints: Checkpoints,
) -> StreamingArtifact[SemanticField]:
    """Label maps of every `frame_stride`-th and every labelled frame; no maps, and why, where no frame is labelled."""
    from tasks.device import resolve_device
    from tasks.fit_field.field_inputs import FieldInputs
    from tasks.fit_field.fit_windows import fit_semantic_field

    inputs = FieldInputs(frames, dense_flow, features, semantic_flow, tracks, field_labels, camera_poses, shots)
    return fit_semantic_field(inputs, params, resolve_device(compute.device), checkpoints)
