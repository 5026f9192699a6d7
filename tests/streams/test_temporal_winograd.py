"""Convolution by Winograd's filtering against the direct one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tasks.streams.i3d_layers import Unit3D
from tasks.streams.temporal_winograd import WinogradFilters, convolve


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 15, 16, 17, 33])
def test_it_is_the_direct_convolution_for_any_number_of_pictures(length: int) -> None:
    clips, weight, bias = draw(2, 5, length, 6, 7), draw(8, 5, 3, 3, 3), draw(8)
    found = convolve(clips.contiguous(memory_format=torch.channels_last_3d), WinogradFilters.from_kernel(weight, bias))
    torch.testing.assert_close(found, F.conv3d(clips, weight, bias, padding=1), rtol=0, atol=2e-4)


def test_a_clip_gives_the_same_bits_alone_and_beside_others() -> None:
    clips, filters = draw(3, 4, 9, 6, 6), WinogradFilters.from_kernel(draw(4, 4, 3, 3, 3), draw(4))
    together = convolve(clips, filters)
    for n in range(3):
        assert torch.equal(convolve(clips[n : n + 1], filters)[0], together[n])


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (7, 2)])
def test_a_unit_gives_the_same_with_it_and_without(kernel: int, stride: int) -> None:
    with torch.inference_mode():
        unit, clips = Unit3D(4, 6, kernel, stride), draw(1, 4, 9, 8, 8)
        direct = unit(clips)
        unit.use_winograd()
        torch.testing.assert_close(unit(clips), direct, rtol=0, atol=1e-5)
