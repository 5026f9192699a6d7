"""Points carried by optical flow."""

from __future__ import annotations

import numpy as np

from tasks.geometry.warp import pixel_grid
from tasks.match.chained_flow import chain_flow
from tasks.match.pair_schedule import schedule_pairs

WHOLE = np.ones((20, 30), np.bool_)


def field(x: float, y: float) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (20, 30, 2)).copy()


def test_steps_add_up() -> None:
    places = pixel_grid(20, 30)[4:16:4, 4:20:4]
    steps = {0: (field(1, 0.5), WHOLE), 1: (field(2, 0), WHOLE), 2: (field(0, -1), WHOLE)}
    found = dict(chain_flow(steps, 0, [1, 3], places))
    assert set(found) == {1, 3}
    assert np.allclose(found[1] - places, [1, 0.5])
    assert np.allclose(found[3] - places, [3, -0.5])


def test_flow_is_taken_where_the_point_is_by_then() -> None:
    turning = field(0, 0)
    turning[:, 15:] = [0, 3]
    steps = {5: (field(10, 0), WHOLE), 6: (turning, WHOLE)}
    ((_, there),) = chain_flow(steps, 5, [2], np.array([[[8.0, 4.0]]], np.float32))
    assert np.allclose(there, [18, 7])


def test_pairs_begin_at_every_nth_frame_and_end_in_the_video() -> None:
    assert list(schedule_pairs(6, (4, 1), 2)) == [(0, [1, 4]), (2, [1]), (4, [1])]
    assert list(schedule_pairs(1, (1, 8), 1)) == []
    assert list(schedule_pairs(0, (1,), 1)) == []
