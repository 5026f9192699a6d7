"""Small worlds for the field: a textured square that slides over a textured ground, with exact flow and features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from tasks.fit_field.clip import Clip, Motion
from tasks.geometry.grid import CellGrid, unit
from tasks.geometry.raster import cells_of

HEIGHT, WIDTH, CELL = 48, 80, 4
SIDE, TOP, LEFT, STEP = 16, 16, 8, 4
CELLS = CellGrid(HEIGHT // CELL, WIDTH // CELL, CELL, CELL, (CELL - 1) / 2, (CELL - 1) / 2)


@dataclass(frozen=True)
class World:
    """A clip and its truth."""

    clip: Clip
    truth: np.ndarray
    """(t, h, w) 0 ground, 1 square."""


@pytest.fixture
def make_world() -> Callable[..., World]:
    """A square that moves right by STEP px per frame; `flows` and `features` say what can be known of it."""

    def make(frames: int = 6, *, flows: bool = True, features: bool = True, missing: tuple[int, ...] = ()) -> World:
        rng = np.random.default_rng(0)
        ground, square = rng.normal(size=(HEIGHT, WIDTH, 16)), 3 + rng.normal(size=(SIDE, SIDE, 16))
        truth = np.zeros((frames, HEIGHT, WIDTH), np.uint8)
        grids: list[np.ndarray | None] = []
        for frame in range(frames):
            left = LEFT + STEP * frame
            truth[frame, TOP : TOP + SIDE, left : left + SIDE] = 1
            picture = ground.copy()
            picture[TOP : TOP + SIDE, left : left + SIDE] = square
            cells = np.stack([cells_of(picture[..., n], CELLS) for n in range(16)], axis=-1)
            grids.append(None if frame in missing else unit(cells if features else np.ones_like(cells)))

        def motion(first: int) -> Motion | None:
            if not flows or {first, first + 1} & {*missing}:
                return None
            now, after = truth[first] == 1, truth[first + 1] == 1
            forward, backward = np.zeros((2, HEIGHT, WIDTH, 2), np.float32)
            forward[now, 0], backward[after, 0] = STEP, -STEP
            # Ground that the square covers next is hidden there; ground that it uncovers was hidden before.
            return Motion(forward, backward, now | ~after, after | ~now)

        return World(Clip(frames, HEIGHT, WIDTH, CELLS, lambda frame: grids[frame], motion), truth)

    return make


def overlap(found: np.ndarray, truth: np.ndarray) -> float:
    return (found & truth).sum() / (found | truth).sum()


@pytest.fixture
def iou() -> Callable[[np.ndarray, np.ndarray], float]:
    return overlap
