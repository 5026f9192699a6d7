from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.errors import SemflowError
from tasks.streams.video_resnet import load_video_resnet, preprocess_clips
from tasks.yolo.torchvision_ops import make_torchvision_importable


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torchvision publishes them, but for what it has learned."""
    make_torchvision_importable()
    from torchvision.models.video import r3d_18

    with torch.device("meta"):
        blank = r3d_18(weights=None).state_dict()
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "r3d_18-00000000.pth"
    torch.save({name: torch.rand(value.shape).to(value.dtype) / 30 for name, value in blank.items()}, path)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_network_in_parts_is_torchvision_s_in_one_piece(file: Path) -> None:
    from torchvision.models.video import r3d_18

    network = load_video_resnet("r3d_18", file, sha256(file), "cpu")
    clip = np.random.default_rng(0).integers(0, 255, (1, 8, 224, 224, 3), np.uint8)
    with torch.device("meta"):
        whole = r3d_18(weights=None)
    whole.load_state_dict(torch.load(file, weights_only=True), assign=True)
    small = preprocess_clips(torch.from_numpy(clip).permute(0, 4, 1, 2, 3).float())
    assert small.shape == (1, 3, 8, 112, 112)
    with torch.inference_mode():
        expected = whole.eval()(small).numpy()
    assert network.compute_logits(clip) == pytest.approx(expected, rel=1e-3)
    assert next(network.compute_maps(clip)).shape == (1, 512, 1, 7, 7)


def test_pixels_are_scaled_as_torchvision_s_own_preset_scales_them() -> None:
    make_torchvision_importable()
    from torchvision.models.video import R3D_18_Weights

    preset = R3D_18_Weights.KINETICS400_V1.transforms()
    grey = torch.full((1, 3, 2, 224, 224), 51.0)
    expected = (0.2 - torch.tensor(preset.mean)) / torch.tensor(preset.std)
    assert preprocess_clips(grey)[0, :, 0, 0, 0].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_file_that_is_not_there_or_not_the_one_meant_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="network_file must be a file with torchvision's weights of r3d_18"):
        load_video_resnet("r3d_18", tmp_path / "none.pth", "0" * 64, "cpu")
    with pytest.raises(SemflowError, match=r"network_sha256 must be the sha256 of r3d_18-00000000\.pth"):
        load_video_resnet("r3d_18", file, "0" * 64, "cpu")
    with pytest.raises(SemflowError, match="of r2plus1d_18, got those of another network"):
        load_video_resnet("r2plus1d_18", file, sha256(file), "cpu")
