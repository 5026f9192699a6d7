"""Features that are computed when they are read are those that the stage stores of every frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.apps.frame_features import FrameFeatures
from flows.apps.video_artifacts import VideoArtifacts
from tasks.artifacts.artifact import DATASET_ITEM, Dataset
from tasks.artifacts.feature_axes import FeatureAxes
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.errors import SemflowError
from tasks.extract_features.fit_axes import FitAxesParams, fit_axes
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.extract_features.stage import extract_features
from tests.factories.compute import make_compute
from tests.factories.frames import write_frames

COMPUTE = make_compute()


def make_params(interval: int) -> ExtractFeaturesParams:
    values: dict[str, Any] = {"network": "mobilenet-v2", "layers": ("b6", "b13", "b17"), "image_side": 128}
    return ExtractFeaturesParams(**values, frame_interval=interval, frame_offsets=(0,), dimensions=64)


def make_axes() -> FeatureAxes:
    return fit_axes(
        Dataset(Frames, {}), FitAxesParams(fitted_on="samples", frames_per_video=2), make_params(1), COMPUTE
    )


@pytest.fixture
def frames(tmp_path: Path) -> Frames:
    """Five frames, the second lost."""
    images = np.random.default_rng(0).integers(0, 256, (5, 72, 128, 3), np.uint8)
    path = Frames.path(tmp_path, "clip")
    path.parent.mkdir(parents=True)
    return write_frames(path, [None if number == 1 else image for number, image in enumerate(images)])


def test_they_are_those_that_the_stage_stores_of_every_frame(frames: Frames, tmp_path: Path) -> None:
    found = FrameFeatures(frames, make_axes(), make_params(4), COMPUTE)
    stored: Features = extract_features(frames, make_axes(), make_params(1), COMPUTE).to(tmp_path / "features.npy")
    assert len(found) == len(stored) == 5
    assert found.metadata == stored.metadata
    for frame in (3, 0, 2, 4, 3):
        np.testing.assert_array_equal(found.vectors(frame), stored.vectors(frame))
    assert found.is_stored(1) and found.vectors(1) is None and stored.vectors(1) is None
    assert not found.is_stored(5)
    with pytest.raises(SemflowError, match=r"frame must lie in \[0, 5\), got 5"):
        found.vectors(5)


@pytest.mark.parametrize(("interval", "computed"), [(1, False), (4, True)])
def test_an_artifact_is_read_where_it_has_every_frame(
    frames: Frames, checkout: Path, tmp_path: Path, interval: int, computed: bool
) -> None:
    (tmp_path / "params.yaml").write_text((checkout / "params.yaml").read_text())
    for path, made in (
        (Features.path(tmp_path, "clip"), extract_features(frames, make_axes(), make_params(interval), COMPUTE)),
        (FeatureAxes.path(tmp_path, DATASET_ITEM), make_axes()),
    ):
        path.parent.mkdir(parents=True)
        made.save(path)
    found = VideoArtifacts(tmp_path, "clip").frame_features
    assert isinstance(found, FrameFeatures if computed else Features)
    assert found.vectors(3) is not None
