from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from tasks.streams.i3d_layers import InceptionBlock, MaxPool3DSame, Unit3D, max_pool_along, same_padding

SIZES = st.integers(1, 20)
KERNELS = st.integers(1, 7)
STRIDES = st.integers(1, 3)


@given(SIZES, KERNELS, STRIDES)
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    """By the words of TensorFlow's documentation of SAME, which tell two cases apart."""
    left = size % stride
    total = max(kernel - (left or stride), 0)
    before, after = same_padding(size, kernel, stride)
    assert (before, after) == (total // 2, total - total // 2)
    assert (size + before + after - kernel) // stride + 1 == -(-size // stride) or total == 0


def test_an_even_picture_is_padded_behind_more_than_before() -> None:
    assert same_padding(224, 7, 2) == (2, 3)
    assert same_padding(112, 3, 2) == (0, 1)
    assert same_padding(7, 3, 2) == (1, 1)


@given(SIZES, KERNELS, STRIDES, st.integers(2, 4))
def test_the_maximum_along_a_dimension_is_that_of_every_window(size: int, kernel: int, stride: int, dim: int) -> None:
    shape = [1, 2, 3, 3, 3]
    shape[dim] = size
    x = torch.from_numpy(np.random.default_rng(size).normal(size=shape))
    before, after = same_padding(size, kernel, stride)
    around = [0, 0] * (4 - dim) + [before, after]
    windows = F.pad(x, around, value=-torch.inf).unfold(dim, kernel, stride)
    assert torch.equal(max_pool_along(x, dim, kernel, stride), windows.amax(dim=-1).narrow(dim, 0, -(-size // stride)))


@pytest.mark.parametrize("shape", [(8, 14, 14), (7, 9, 8), (1, 5, 6)])
@pytest.mark.parametrize(("kernel", "stride"), [((3, 3, 3), (1, 1, 1)), ((3, 3, 3), (2, 2, 2)), ((2, 2, 2), (2, 2, 2))])
def test_pooling_is_torchs_on_what_is_padded_with_nothing(shape, kernel, stride) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, *shape)))  # negative values too
    around = [n for size, k, s in zip(shape[::-1], kernel, stride, strict=True) for n in same_padding(size, k, s)]
    expected = F.max_pool3d(F.pad(x, around, value=-torch.inf), kernel, stride)
    assert torch.equal(MaxPool3DSame(kernel, stride)(x), expected)


@pytest.mark.parametrize(("kernel", "stride", "size"), [(1, 1, 6), (3, 1, 5), (7, 2, 10), (7, 2, 9)])
def test_a_unit_is_a_convolution_by_hand(kernel: int, stride: int, size: int) -> None:
    torch.manual_seed(0)
    unit = Unit3D(2, 3, kernel, stride).double()
    x = torch.randn(1, 2, size, size, size, dtype=torch.float64)
    before, after = same_padding(size, kernel, stride)
    wide = np.pad(x.numpy(), [(0, 0), (0, 0), *[(before, after)] * 3])
    found = unit(x).detach().numpy()
    weight, bias = unit.conv.weight.detach().numpy(), unit.conv.bias.detach().numpy()
    assert found.shape[2:] == (-(-size // stride),) * 3
    for t, y, z in np.ndindex(*found.shape[2:]):
        part = wide[0, :, t * stride :, y * stride :, z * stride :][:, :kernel, :kernel, :kernel]
        by_hand = np.maximum((weight * part).sum(axis=(1, 2, 3, 4)) + bias, 0)
        assert found[0, :, t, y, z] == pytest.approx(by_hand)


def test_a_mixed_block_joins_its_four_ways_in_order() -> None:
    block = InceptionBlock(4, (1, 2, 3, 2, 5, 7))
    assert block.outputs == 1 + 3 + 5 + 7
    x = torch.rand(1, 4, 3, 4, 5)
    found = block(x)
    assert found.shape == (1, 16, 3, 4, 5)
    assert torch.equal(found[:, :1], block.branches[0](x))
    assert torch.equal(found[:, 9:], block.branches[3](x))
