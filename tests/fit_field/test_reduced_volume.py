"""A volume of half the size reads as one of the size of the maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tasks.fit_field.reduced_volume import ReducedVolume, reduce_motion, reduced_size
from tasks.geometry.warp import pixel_grid
from tasks.sequence.flow_trajectory import WarpField
from tasks.sequence.frame_pair_motion import FramePairMotion


@dataclass(frozen=True)
class HalfSizeQueries:
    """Everything moves by one pixel of the volume to the right; the lower half is hidden."""

    size: tuple[int, int]

    def compute_warp_field(self, frame: int, source: int) -> WarpField:
        trust = np.ones(self.size, np.float32)
        trust[self.size[0] // 2 :] = 0
        return WarpField(pixel_grid(*self.size) + np.array([source - frame, 0], np.float32), trust)

    def render_nearness(self, frame: int) -> np.ndarray:
        return np.full(self.size, frame / 10, np.float32)


@pytest.mark.parametrize(("height", "width"), [(24, 40), (23, 39)])
def test_displacements_are_those_of_map_pixels(height: int, width: int) -> None:
    size = reduced_size(height, width)
    volume = ReducedVolume(HalfSizeQueries(size), height, width)  # pyright: ignore[reportArgumentType]
    found = volume.compute_warp_field(3, 5)
    assert found.positions.shape == (height, width, 2)
    assert np.allclose(found.positions - pixel_grid(height, width), [2 * width / size[1], 0], atol=1e-4)
    assert found.trust[: height // 2 - 1].min() == 1
    assert found.trust[height // 2 + 1 :].max() == 0
    assert np.allclose(volume.render_nearness(4), 0.4)


def test_motion_is_halved_with_the_frame_and_valid_where_most_of_it_was() -> None:
    forward = np.zeros((8, 12, 2), np.float32)
    forward[..., 0], forward[..., 1] = 4, -2
    valid = np.ones((8, 12), np.bool_)
    valid[:, :3] = False  # the second of the smaller pixels is half valid
    found = reduce_motion(FramePairMotion(forward, -forward, valid, ~valid), (4, 6))
    assert np.allclose(found.forward, [2, -1])
    assert np.allclose(found.backward, [-2, 1])
    assert found.valid[0].tolist() == [False, False, True, True, True, True]
    assert found.valid_backward[0].tolist() == [True, False, False, False, False, False]
