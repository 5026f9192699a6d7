"""The artifacts of a synthetic scene in a project folder, as the pipeline's stages make them from its images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.artifacts.artifact import Dataset
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.decode.params import DecodeParams
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.estimate_flow.stage import estimate_flow
from tasks.extract_features.fit_axes import FitAxesParams, fit_axes
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.stage import extract_features
from tasks.find_shots.params import FindShotsParams
from tasks.find_shots.stage import find_shots
from tasks.params import Compute, ParamSections
from tasks.synthetic.scene.scene_artifacts import make_frames
from tasks.synthetic.scene.synthetic_scene import Scene


def write_scene_artifacts(scene: Scene, root: Path, video: str, params: ParamSections) -> None:
    """Write frames, dense flow, shots and features of every frame of `scene`, as those of `video` in the project.

    Tracking of an object and of points reads features of every frame (flows/apps/frame_features.py).
    """
    compute, settings = params.get_section(Compute), params.get_section(ExtractFeaturesParams)
    settings = settings.model_copy(update={"frame_interval": 1, "frame_offsets": (0,)})
    encoding = params.get_section(DecodeParams).encoding
    frames: Frames = make_frames(scene, encoding).to(make_artifact_path(Frames, root, video))
    stream = estimate_flow(frames, params.get_section(EstimateFlowParams), compute)
    flow = stream.to(make_artifact_path(DenseFlow, root, video))
    find_shots(frames, flow, params.get_section(FindShotsParams)).save(make_artifact_path(Shots, root, video))
    frames_of_scene = Dataset(Frames, {video: Frames.path(root, video)})
    axes = fit_axes(frames_of_scene, params.get_section(FitAxesParams), settings, compute)
    extract_features(frames, axes, settings, compute).save(make_artifact_path(Features, root, video))


def make_artifact_path(kind: type[Any], root: Path, video: str) -> Path:
    """The path of an artifact of class `kind`; its folder is made."""
    path: Path = kind.path(root, video)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
