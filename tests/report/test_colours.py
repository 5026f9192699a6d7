"""Colours: against Ottosson's published values, and far enough apart to be told apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.colours import CLASS_HUES_DEG, class_colour, class_slots, css_colour, oklch_to_rgb, track_colour
from tasks.report.overlay.drawing_canvas import INK
from tasks.report.page_template import read_asset


def _luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    low, high = sorted((_luminance(a), _luminance(b)))
    return (high + 0.05) / (low + 0.05)


def _papers() -> dict[str, tuple[int, int, int]]:
    light, dark = re.findall(r"--paper: #(\w{6})", read_asset("page.css"))
    return {name: (int(v[:2], 16), int(v[2:4], 16), int(v[4:], 16)) for name, v in (("light", light), ("dark", dark))}


@pytest.mark.parametrize(
    ("lch", "rgb"),
    [
        ((0.0, 0.0, 0.0), (0, 0, 0)),
        ((1.0, 0.0, 0.0), (255, 255, 255)),
        # CSS Color 4 gives these for sRGB's primaries.
        ((0.62796, 0.25768, 29.234), (255, 0, 0)),
        ((0.86644, 0.29483, 142.495), (0, 255, 0)),
        ((0.45201, 0.31321, 264.052), (0, 0, 255)),
    ],
)
def test_oklch_gives_the_published_colours(lch: tuple[float, float, float], rgb: tuple[int, int, int]) -> None:
    assert oklch_to_rgb(*lch) == pytest.approx(rgb, abs=1)


@given(st.integers(1, 100_000))
def test_dark_text_reads_well_on_every_track_colour(track_id: int) -> None:
    assert _contrast(track_colour(track_id), INK) >= 4.5


@given(st.integers(1, 100_000))
def test_neighbouring_ids_differ_plainly(track_id: int) -> None:
    a, b = track_colour(track_id), track_colour(track_id + 1)
    assert sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5 > 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_class_colours_stand_out_from_the_page(scheme: str) -> None:
    for slot in range(len(CLASS_HUES_DEG)):
        assert _contrast(class_colour(slot, scheme), _papers()[scheme]) >= 3


def test_a_class_has_the_same_colour_in_every_video_unless_two_collide() -> None:
    assert class_slots([0]) == class_slots([0, 0]) == {0: 0}
    assert class_slots([0, 2, 7]) == {0: 0, 2: 2, 7: 7}
    assert class_slots([0, 12]) == {0: 0, 12: 1}


@given(st.sets(st.integers(0, 500), max_size=12))
def test_up_to_twelve_classes_never_share_a_colour(ids: set[int]) -> None:
    assert len(set(class_slots(ids).values())) == len(ids)


def test_more_classes_than_colours_are_no_error() -> None:
    assert len(class_slots(range(40))) == 40


def test_css_colours_have_two_digits_a_channel() -> None:
    assert css_colour((0, 10, 255)) == "#000aff"
