"""The backbones are the published ones, and give the same numbers however they are run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tasks.errors import BadParams
from tasks.extract_features.backbone import load_backbone
from tasks.extract_features.backbone_inference import load_backbone_runner
from tasks.extract_features.network_plans import NETWORK_PLANS, compute_layer_strides
from tasks.extract_features.params import ExtractFeaturesParams
from tasks.weights.fetch import weights_path
from tasks.yolo.torchvision_ops import make_torchvision_importable

LAYERS = {"mobilenet-v2": ("b6", "b13", "b17"), "efficientnet-lite0": ("b4", "b10", "b14")}


def image(height: int = 96, width: int = 160, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_mobilenet_is_torchvisions() -> None:
    torchvision = make_torchvision_importable()
    theirs = torchvision.models.mobilenet_v2()
    theirs.load_state_dict(torch.load(weights_path("mobilenet-v2"), weights_only=True))
    theirs.eval()
    net = load_backbone("mobilenet-v2")
    scaled = (image().astype(np.float32) - net.mean) / np.array(net.scale, np.float32)
    x = torch.from_numpy(scaled.transpose(2, 0, 1)[None].astype(np.float32))
    ours = load_backbone_runner("mobilenet-v2", LAYERS["mobilenet-v2"], "cpu")([image()])[0]
    with torch.inference_mode():
        for number, module in enumerate(theirs.features[:18]):
            x = module(x)
            if f"b{number}" in LAYERS["mobilenet-v2"]:
                expected = x[0].permute(1, 2, 0).numpy()
                found = ours[LAYERS["mobilenet-v2"].index(f"b{number}")]
                np.testing.assert_allclose(found, expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("name", LAYERS)
def test_onnxruntime_and_torch_agree_image_by_image(name: str) -> None:
    images = [image(seed=1), image(seed=2)]
    ours = load_backbone_runner(name, LAYERS[name], "cpu")(images)
    with_torch = load_backbone_runner(name, LAYERS[name], "cpu:0")(
        images
    )  # torch's own name of the CPU: the path of CUDA
    for mine, other in zip(ours, with_torch, strict=True):
        for one, two in zip(mine, other, strict=True):
            np.testing.assert_allclose(one, two, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_have_strides_8_16_and_32(name: str) -> None:
    layers = load_backbone_runner(name, LAYERS[name], "cpu")([image()])[0]
    assert [layer.shape[:2] for layer in layers] == [(12, 20), (6, 10), (3, 5)]


def test_cells_lie_on_every_eighth_pixel() -> None:
    """Moving the image by eight pixels moves the stride-8 layer by one cell, away from the borders."""
    wide = image(160, 264)
    run = load_backbone_runner("mobilenet-v2", ("b6",), "cpu")
    first, second = (run([np.ascontiguousarray(part)])[0][0] for part in (wide[:, :256], wide[:, 8:]))
    np.testing.assert_allclose(first[6:-6, 9:-8], second[6:-6, 8:-9], atol=1e-3)


def test_an_unknown_layer_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadParams, match=r"must be among stem, d1, b1.*got 'b99'"):
        load_backbone_runner("mobilenet-v2", ("b99",), "cpu")


@pytest.mark.parametrize("name", [*NETWORK_PLANS])
def test_the_stride_of_every_layer_is_that_of_the_network(name: str) -> None:
    stride, strides = 1, {}
    for conv in load_backbone(name).convs:
        stride *= conv.stride
        strides[conv.name] = stride
    assert strides == compute_layer_strides(name)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (("zz",), r"layers must be among stem, d1, .* for mobilenet-v2, got 'zz'"),
        (("b13", "b17"), r"the first of layers must have stride 8 \(d4, b4, .*\), got b13 with 16"),
        (("b2",), r"the first of layers must have stride 8 .*, got b2 with 4"),
        (("b6", "e4"), r"layers must have stride 8 or more, got e4 with 4"),
    ],
)
def test_layers_that_cannot_be_joined_are_refused_when_they_are_read(layers: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExtractFeaturesParams(
            network="mobilenet-v2", layers=layers, image_side=640, dimensions=None, frame_interval=1, frame_offsets=(0,)
        )
