"""What is where in every frame, from labels on a few: the semantic field of a video.

Tian et al., "Semantic Flow: Learning Semantic Fields of Dynamic Scenes from Monocular Videos" (2024), learn semantics
from the way of each point through time. So does this stage, without camera poses and in minutes: every point is asked
where it came from by several ways (complete.py), and hears the labels that lie there. Labels are a person's own
(`data/labels/<video>/`), or else the outlines of what `track` found, drawn by YOLO26n-seg on every so many frames.
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
def fit_field(  # noqa: PLR0917  a stage's signature names all it reads
    frames: Frames,
    dense_flow: DenseFlow,
    features: Features,
    semantic_flow: SemanticFlow,
    tracks: Tracks,
    field_labels: FieldLabels,
    camera_poses: CameraPoses,
    params: FitFieldParams,
    compute: Compute,
    checkpoints: Checkpoints,
) -> StreamingArtifact[SemanticField]:
    """Label maps for every so many frames; none, and the reason, where there is nothing to start from."""
    from tasks.device import resolve_device
    from tasks.fit_field.field_inputs import FieldInputs
    from tasks.fit_field.fit_windows import fit_semantic_field

    inputs = FieldInputs(frames, dense_flow, features, semantic_flow, tracks, field_labels, camera_poses)
    return fit_semantic_field(inputs, params, resolve_device(compute.device), checkpoints)
