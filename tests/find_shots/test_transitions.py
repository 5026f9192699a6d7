"""Fades and dissolves of made-up scenes: what is found, where, and what is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.artifacts.shots import Transition
from tasks.find_shots.params import FindShotsParams
from tasks.find_shots.shot_table import find_transitions

FPS = 25.0
PARAMS = FindShotsParams(fades=True, max_dissolve_s=2.0)
LENGTH = 60
SIZE = 32, 18


def make_scene(seed: int, frames: int = LENGTH, speed: float = 0.2) -> np.ndarray:
    """(frames, 18, 32, 3) a random smooth picture under a camera that pans by `speed` cells a frame."""
    rng = np.random.default_rng(seed)
    wide = cv2.resize(rng.uniform(0, 255, (6, 40, 3)).astype(np.float32), (320, 18), interpolation=cv2.INTER_CUBIC)
    left = (20 + speed * np.arange(frames)) % 250
    return np.stack(
        [cv2.getRectSubPix(wide, SIZE, (float(x) + 16, 8.5)) for x in left]
    ).clip(0, 255)  # fmt: skip


def mix(first: np.ndarray, second: np.ndarray, length: int) -> np.ndarray:
    """`first`, dissolving into `second` over `length` frames."""
    share = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
    middle = first[-length:] * (1 - share) + second[:length] * share
    return np.concatenate([first[:-length], middle, second[length:]])


def fade(scene: np.ndarray, length: int, level: float) -> np.ndarray:
    """`scene`, whose last `length` frames fade to the grey level `level`, and one frame of that level."""
    share = (np.arange(1, length + 1) / (length + 1))[:, None, None, None]
    out = scene[-length:] * (1 - share) + level * share
    return np.concatenate([scene[:-length], out, np.full_like(scene[:1], level)])


def find(
    film: np.ndarray, cuts: tuple[int, ...] = (), params: FindShotsParams = PARAMS, unexplained: range = range(0)
) -> list[Transition]:
    """The transitions of a film with cuts before the frames `cuts`; flow fails to explain the pairs `unexplained`."""
    pairs = np.arange(len(film) - 1)
    cut = np.isin(pairs + 1, cuts)
    error = np.where(cut, 40.0, np.where(np.isin(pairs, unexplained), 12.0, 3.0))
    return find_transitions(np.rint(film).astype(np.uint8).reshape(len(film), -1), cut, error, FPS, params)


@pytest.mark.parametrize("length", [12, 25])
@pytest.mark.parametrize("seed", range(5))
def test_a_dissolve_is_one_boundary_near_its_middle(seed: int, length: int) -> None:
    film, unexplained = mix(make_scene(seed), make_scene(seed + 50), length), range(LENGTH - length - 1, LENGTH)
    assert find(film) == [], "flow explains it: a pan over soft colours"
    (found,) = find(film, unexplained=unexplained)
    assert found.kind == "dissolve" and 0 < found.score <= 1
    assert abs(found.frame - (LENGTH - length / 2)) <= length / 4
    assert LENGTH - length - 3 <= found.first < found.frame < found.last <= LENGTH + 3


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("length", [6, 12, 25])
def test_a_fade_through_one_colour_is_one_boundary_and_its_cuts_are_none(level: int, length: int) -> None:
    film = np.concatenate([fade(make_scene(1), length, level), fade(make_scene(2)[::-1], length, level)[::-1]])
    (found,) = find(film, (LENGTH - 1, LENGTH + 3))
    assert found.kind == "fade" and abs(found.frame - (LENGTH + 1)) <= 1
    assert found.first >= LENGTH - length - 1 and found.last <= LENGTH + length + 2


def test_fades_at_the_ends_of_a_film_are_no_boundary() -> None:
    film = np.concatenate([fade(make_scene(1)[::-1], 12, 0)[::-1], fade(make_scene(1), 12, 0)])
    middle = LENGTH + 1
    assert [one.kind for one in find(film, (3, middle, 2 * LENGTH - 2))] == ["cut"]


def test_cuts_stay_where_they_are_and_black_between_two_scenes_is_one_of_them() -> None:
    first, second = make_scene(1), make_scene(2)
    assert [(one.kind, one.frame) for one in find(np.concatenate([first, second]), (LENGTH,))] == [("cut", LENGTH)]
    black = np.zeros_like(first[:10])
    (found,) = find(np.concatenate([first, black, second]), (LENGTH, LENGTH + 10))
    assert (found.kind, found.frame) == ("cut", LENGTH + 5)


@pytest.mark.parametrize("speed", [0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_pan_is_no_transition(seed: int, speed: float) -> None:
    assert find(make_scene(seed, 100, speed)) == []


def test_a_flash_is_no_transition_and_neither_are_its_cuts() -> None:
    film = make_scene(1)
    film[30:32] = 255
    assert find(film, (30, 32)) == []


def test_a_change_of_light_that_flow_does_not_explain_is_no_transition() -> None:
    film = make_scene(1) * np.linspace(0.3, 1.0, LENGTH)[:, None, None, None]
    assert find(film, unexplained=range(20, 40)) == []


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.2), (0.2, 1.0)])
def test_lights_that_change_over_a_scene_that_moves_are_no_dissolve(start: float, end: float) -> None:
    for seed in range(8):
        film = make_scene(seed, speed=1.0) * np.interp(np.arange(LENGTH), [20, 40], [start, end])[:, None, None, None]
        assert find(film, unexplained=range(20, 40)) == []


def test_parameters_switch_what_is_looked_for() -> None:
    dissolve, none = mix(make_scene(1), make_scene(2), 25), PARAMS.model_copy(update={"max_dissolve_s": 0.0})
    assert find(dissolve, params=none, unexplained=range(34, 60)) == []
    film = np.concatenate([fade(make_scene(1), 12, 0), make_scene(2)])
    without = find(film, (LENGTH + 1,), PARAMS.model_copy(update={"fades": False, "max_dissolve_s": 0.0}))
    assert [(one.kind, one.frame) for one in without] == [("cut", LENGTH + 1)]


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_the_shortest_films_have_no_transition(frames: int) -> None:
    nothing = np.zeros(max(0, frames - 1))
    thumbnails = np.zeros((frames, 18 * 32 * 3), np.uint8)
    assert find_transitions(thumbnails, nothing > 0, nothing, FPS, PARAMS) == []
