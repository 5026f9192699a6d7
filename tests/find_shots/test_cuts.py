"""Cuts told apart from motion that is too fast for optical flow, by the pairs beside them."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.find_shots.cuts import find_cuts

QUIET, FAST, CUT = 4.0, 25.0, 45.0
"""Photometric errors, grey levels, as DIS leaves them in slow and too fast motion, and over a cut."""


def find(errors: list[float]) -> list[int]:
    """The cuts of pairs with these errors; dense flow fails from 20 grey levels on."""
    error = np.array(errors)
    return find_cuts(error > FAST - 5, error)


def test_a_cut_between_two_shots_is_found_where_the_second_begins() -> None:
    assert find([QUIET] * 5 + [CUT] + [QUIET] * 5) == [6]


@pytest.mark.parametrize("length", [3, 5, 12])
def test_motion_that_flow_cannot_follow_is_no_cut(length: int) -> None:
    rising = [QUIET, 8.0, 15.0, 19.0]
    fast = [FAST + 4 * (n % 3) for n in range(length)]
    assert find([*rising, *fast, *rising[::-1]]) == []


def test_every_other_pair_of_fast_motion_is_no_cut() -> None:
    assert find([QUIET, QUIET, *[FAST, 14.0] * 6, QUIET, QUIET]) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_cut_between_a_quiet_shot_and_fast_motion_is_found(turned: bool) -> None:
    film = [QUIET] * 6 + [CUT] + [15.0, 16.0, 14.0, 15.0]
    assert find(film[::-1] if turned else film) == [5 if turned else 7]


@pytest.mark.parametrize("length", [2, 3, 6])
def test_the_cuts_of_short_shots_are_all_found(length: int) -> None:
    assert find([*[QUIET] * (length - 1), CUT] * 4 + [QUIET] * 3) == [length * n for n in range(1, 5)]


def test_cuts_at_both_ends_of_a_film_are_found() -> None:
    assert find([CUT, QUIET, QUIET, QUIET, CUT]) == [1, 5]


@pytest.mark.parametrize("errors", [[CUT], [np.nan, CUT, np.nan]])
def test_a_pair_with_no_known_neighbour_is_what_flow_says(errors: list[float]) -> None:
    assert find(errors) == [1 + errors.index(CUT)]


def test_a_cut_without_an_error_stays() -> None:
    assert find_cuts(np.array([False, True, False]), np.array([QUIET, np.nan, QUIET])) == [2]


def test_a_still_film_has_the_cuts_between_its_pictures() -> None:
    assert find([0.0, 0.0, 0.0, CUT, 0.0, 0.0]) == [4]
