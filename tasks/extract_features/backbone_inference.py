"""Inference of a backbone: onnxruntime on a CPU, torch in half precision on CUDA.

onnxruntime gives the same numbers for any number of threads, at three times the speed of torch; its ONNX graph is built
here from the folded convolutions, without an export.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.errors import BadParams
from tasks.extract_features.backbone import Backbone, FoldedConv, load_backbone
from tasks.onnx_session import open_onnx_session

if TYPE_CHECKING:
    from torch import Tensor

OPSET = 17
LayerActivations = list[NDArray[np.float32]]
"""(h, w, channels) activations of each layer, of one image."""
BackboneRunner = Callable[[Sequence[Image]], list[LayerActivations]]
DeviceLayers = Callable[[Sequence[Image]], "list[Tensor]"]
"""n images to the (n, channels, h, w) activations of each layer, on the device and in its precision."""


@cache
def load_backbone_runner(name: str, layers: tuple[str, ...], device: str) -> BackboneRunner:
    """A function from RGB images of one size to the activations of `layers`; loaded once per process."""
    net, convs = _load_convs(name, layers)
    return _make_onnx_runner(net, convs, layers) if device == "cpu" else _make_torch_runner(net, convs, layers, device)


@cache
def make_device_layers(name: str, layers: tuple[str, ...], device: str) -> DeviceLayers:
    """A function from RGB images of one size to `layers` of the network on `device`; loaded once per process."""
    return _make_torch_layers(*_load_convs(name, layers), layers, device)


def _load_convs(name: str, layers: tuple[str, ...]) -> tuple[Backbone, Sequence[FoldedConv]]:
    """The network and its convolutions up to the last of `layers`; BadParams for an unknown layer."""
    net = load_backbone(name)
    known = [conv.name for conv in net.convs]
    unknown = [layer for layer in layers if layer not in known]
    if unknown:
        raise BadParams(f"extract_features.layers must be among {', '.join(known)}, got {unknown[0]!r}")
    return net, net.convs[: max(known.index(layer) for layer in layers) + 1]


def _make_normalizer(net: Backbone) -> Callable[[Image], NDArray[np.float32]]:
    """A function from an RGB image to the (1, 3, h, w) input of the network: a table of the 256 values per channel."""
    levels = np.arange(256, dtype=np.float32)
    mean, scale = np.array(net.mean, np.float32), np.array(net.scale, np.float32)
    tables = (levels - mean[:, None]) / scale[:, None]

    def normalize(image: Image) -> NDArray[np.float32]:
        return np.stack([np.take(table, image[..., n]) for n, table in enumerate(tables)])[None]

    return normalize


def _make_onnx_runner(net: Backbone, convs: Sequence[FoldedConv], layers: tuple[str, ...]) -> BackboneRunner:
    session = open_onnx_session(build_onnx_graph(convs, layers))
    normalize = _make_normalizer(net)

    def run(images: Sequence[Image]) -> list[LayerActivations]:
        # One image at a time: on a CPU a batch gains nothing.
        outputs: list[Any] = [session.run(list(layers), {"image": normalize(image)}) for image in images]
        return [[layer[0].transpose(1, 2, 0) for layer in image] for image in outputs]

    return run


def build_onnx_graph(convs: Sequence[FoldedConv], layers: Sequence[str]) -> bytes:
    """The serialized ONNX model: input `image` (n, 3, h, w), one output per layer."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    constants = [
        numpy_helper.from_array(np.array(bound, np.float32), name) for bound, name in ((0, "low"), (6, "high"))
    ]
    at = block_input = "image"
    for conv in convs:
        block_input = at if conv.starts_block else block_input
        constants += [numpy_helper.from_array(conv.weight, f"{conv.name}.weight"),
                      numpy_helper.from_array(conv.bias, f"{conv.name}.bias")]  # fmt: skip
        raw = f"{conv.name}.raw" if conv.has_relu6 or conv.adds_residual else conv.name
        pads = [conv.kernel // 2] * 4
        nodes.append(helper.make_node(
            "Conv", [at, f"{conv.name}.weight", f"{conv.name}.bias"], [raw], kernel_shape=[conv.kernel] * 2,
            strides=[conv.stride] * 2, pads=pads, group=conv.groups,
        ))  # fmt: skip
        if conv.has_relu6:
            nodes.append(helper.make_node("Clip", [raw, "low", "high"], [conv.name]))
        elif conv.adds_residual:
            nodes.append(helper.make_node("Add", [raw, block_input], [conv.name]))
        at = conv.name
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    outputs = [helper.make_tensor_value_info(layer, TensorProto.FLOAT, None) for layer in layers]
    model = helper.make_model(
        helper.make_graph(nodes, "backbone", [image], outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
    )  # fmt: skip
    return model.SerializeToString()


def _make_torch_runner(
    net: Backbone, convs: Sequence[FoldedConv], layers: tuple[str, ...], device: str
) -> BackboneRunner:
    run_layers = _make_torch_layers(net, convs, layers, device)

    def run(images: Sequence[Image]) -> list[LayerActivations]:
        outputs = [layer.permute(0, 2, 3, 1).float().cpu().numpy() for layer in run_layers(images)]
        return [[layer[n] for layer in outputs] for n in range(len(images))]

    return run


def _make_torch_layers(
    net: Backbone, convs: Sequence[FoldedConv], layers: tuple[str, ...], device: str
) -> DeviceLayers:
    import torch
    from torch.nn.functional import conv2d

    dtype = torch.float16 if device.startswith("cuda") else torch.float32
    loaded = [(conv, torch.from_numpy(conv.weight).to(device, dtype), torch.from_numpy(conv.bias).to(device, dtype))
              for conv in convs]  # fmt: skip
    mean, scale = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (net.mean, net.scale))

    @torch.inference_mode()
    def run(images: Sequence[Image]) -> list[Tensor]:
        # Bytes go to the device and are normalized there: a quarter of the transfer, and no work on the processor.
        pixels = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2)
        x = ((pixels.float() - mean) / scale).to(dtype)
        block_input = x
        activations: dict[str, Tensor] = {}
        for conv, weight, bias in loaded:
            block_input = x if conv.starts_block else block_input
            x = conv2d(x, weight, bias, conv.stride, conv.kernel // 2, 1, conv.groups)
            x = x.clamp(0, 6) if conv.has_relu6 else x + block_input if conv.adds_residual else x
            if conv.name in layers:
                activations[conv.name] = x
        return [activations[layer] for layer in layers]

    return run
