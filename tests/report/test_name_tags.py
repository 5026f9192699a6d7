"""Name tags: inside the picture, and off each other while there is room."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.report.overlay.drawing_canvas import Canvas
from tasks.report.overlay.name_tags import LabelOwner, draw_tag, place_tags

CANVAS = Canvas(640, 360)
corner = st.tuples(st.integers(-20, 660), st.integers(-20, 380), st.integers(1, 300), st.integers(1, 300))


def _bearers(boxes: list[tuple[int, int, int, int]]) -> list[LabelOwner]:
    return [LabelOwner(i, "person", (200, 180, 40), (x, y, x + w, y + h)) for i, (x, y, w, h) in enumerate(boxes, 1)]


@settings(max_examples=60, deadline=None)
@given(st.lists(corner, max_size=12))
def test_every_tag_lies_inside_the_picture_and_names_its_track(boxes: list[tuple[int, int, int, int]]) -> None:
    tags = place_tags(CANVAS, _bearers(boxes), 640, 360)
    assert sorted(int(tag.text.split()[0]) for tag in tags) == list(range(1, len(boxes) + 1))
    for tag in tags:
        assert 0 <= tag.x1 < tag.x2 <= 640
        assert 0 <= tag.y1 < tag.y2 <= 360


def test_tags_of_people_side_by_side_do_not_hide_each_other() -> None:
    tags = place_tags(CANVAS, _bearers([(100 + 25 * i, 100, 30, 120) for i in range(6)]), 640, 360)
    assert not any(a.hides(b) for i, a in enumerate(tags) for b in tags[i + 1 :])


def test_a_lone_tag_stands_above_its_box_and_at_the_top_edge_inside_it() -> None:
    above, inside = (place_tags(CANVAS, _bearers([(50, y, 60, 80)]), 640, 360)[0] for y in (100, 3))
    assert above.text == inside.text == "1 person"
    assert above.y2 == 100
    assert inside.y1 == 3


def test_the_nearest_keeps_its_class_where_there_is_no_room_for_both() -> None:
    crowd = [(100, 100, 20, 30 + i) for i in range(9)]
    texts = {int(t.text.split()[0]): t.text for t in place_tags(CANVAS, _bearers(crowd), 640, 360)}
    assert texts[9] == "9 person"
    assert "2" in texts.values()


def test_a_tag_is_filled_with_its_colour_and_written_in_dark() -> None:
    picture = np.full((360, 640, 3), 128, np.uint8)
    tag = place_tags(CANVAS, _bearers([(100, 100, 60, 80)]), 640, 360)[0]
    draw_tag(picture, CANVAS, tag)
    inside = picture[tag.y1 : tag.y2, tag.x1 : tag.x2].reshape(-1, 3)
    assert (inside == (200, 180, 40)).all(axis=1).mean() > 0.5
    assert inside.sum(axis=1).min() < 150
    outside = picture.copy()
    outside[tag.y1 : tag.y2, tag.x1 : tag.x2] = 128
    assert (outside == 128).all()


def test_a_picture_smaller_than_a_tag_is_no_error() -> None:
    assert len(place_tags(Canvas(16, 16), _bearers([(0, 0, 8, 8)]), 16, 16)) == 1
