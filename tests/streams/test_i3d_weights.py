from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.errors import SemflowError
from tasks.streams.i3d import I3DNetwork, pool_features
from tasks.streams.i3d_layers import Unit3D
from tasks.streams.i3d_weights import EPSILON, build_state_dict, read_arrays
from tasks.weights.fetch import weights_path


def test_a_pickle_of_arrays_is_read_as_it_is(tmp_path: Path) -> None:
    tree = {"params": {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}, "other": [1.5, "word", None]}
    (tmp_path / "good.ckpt").write_bytes(pickle.dumps(tree))
    found = read_arrays(tmp_path / "good.ckpt")
    assert found["other"] == tree["other"]
    assert (found["params"]["a"] == tree["params"]["a"]).all() and found["params"]["a"].dtype == np.float32


class Command:
    """Runs a command when unpickled, as a bad file would."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("bad", ["command", "class"])
def test_a_pickle_that_asks_for_anything_else_is_refused_before_it_runs(tmp_path: Path, bad: str) -> None:
    mark = tmp_path / "ran"
    value = {"params": Command(mark) if bad == "command" else Path("/")}
    (tmp_path / "bad.ckpt").write_bytes(pickle.dumps(value))
    with pytest.raises(SemflowError, match=r"bad.ckpt must hold NumPy arrays only, got .*: refused"):
        read_arrays(tmp_path / "bad.ckpt")
    assert not mark.exists()


@pytest.fixture(scope="module")
def published() -> dict:
    return read_arrays(weights_path("i3d-kinetics-400"))


def test_every_published_array_has_its_place_in_the_network(published: dict) -> None:
    with torch.device("meta"):
        network = I3DNetwork()
    state = build_state_dict(published, network)
    wanted = network.state_dict()
    assert state.keys() == wanted.keys()
    assert {name: value.shape for name, value in state.items()} == {n: v.shape for n, v in wanted.items()}
    kernels = sum(1 for name in state if name.endswith("conv.weight"))
    assert kernels == 57  # of Inception-v1 inflated: 3 before the mixed blocks and 6 in each of the nine


def test_folding_gives_what_normalisation_after_the_convolution_gives(published: dict) -> None:
    """Step by step as published, on the first layer and on one deep inside."""
    with torch.device("meta"):
        network = I3DNetwork()
    state = build_state_dict(published, network)
    rng = np.random.default_rng(0)
    deep = ("Mixed_5b", "Branch_2/Conv3d_0b_3x3")
    for place, scope in (("trunk.Conv3d_1a_7x7", ("Conv3d_1a_7x7",)), ("trunk.Mixed_5b.branches.2.1", deep)):
        params, stats = published["params"], published["batch_stats"]
        for name in scope:
            params, stats = params[name], stats[name]
        kernel, norm = params["Conv_0"]["kernel"], stats["BatchNorm_0"]
        part = rng.normal(size=kernel.shape[:4]).astype(np.float32)  # what the kernel lies on: (t, h, w, in)
        raw = np.einsum("thwi,thwio->o", part, kernel)
        mean, var = norm["mean"].reshape(-1), norm["var"].reshape(-1)
        expected = np.maximum((raw - mean) / np.sqrt(var + EPSILON) + params["BatchNorm_0"]["bias"], 0)
        size = kernel.shape[0]
        unit = Unit3D(kernel.shape[3], kernel.shape[4], size)
        unit.load_state_dict({n: state[f"{place}.conv.{n.rpartition('.')[2]}"] for n in unit.state_dict()})
        x = torch.from_numpy(part).permute(3, 0, 1, 2)[None]
        middle = size // 2
        found = unit(x)[0, :, middle, middle, middle].detach().numpy()
        assert found == pytest.approx(expected, abs=1e-4)


def test_pooling_counts_the_ends_of_a_clip_half() -> None:
    maps = torch.zeros(1, 2, 4, 7, 7)
    maps[0, 0, 0], maps[0, 1, 1] = 1, 1
    assert pool_features(maps)[0].tolist() == pytest.approx([1 / 6, 2 / 6])
    assert pool_features(maps[:, :, :1])[0].tolist() == pytest.approx([1, 0])
