from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.errors import BadInput
from tasks.train.background_segments import add_background_rows, find_uncovered

Make = Callable[..., Any]


def test_what_no_label_covers_is_cut_into_stretches_spread_evenly() -> None:
    found = find_uncovered((0.0, 10.0), [(2.0, 4.0), (3.0, 5.0)], 1.5)
    assert [start for start, _ in found] == pytest.approx([0.25, 5.125, 6.75, 8.375])
    assert all(end - start == pytest.approx(1.5) for start, end in found)


def test_a_whole_video_under_a_label_has_no_background() -> None:
    assert find_uncovered((0.0, 4.0), [(0.0, 4.0)], 1.0) == []
    assert find_uncovered((0.0, 0.0), [], 1.0) == []


def test_rows_are_added_where_there_is_time_and_no_more_than_of_the_most_frequent_label(
    films: Any, make_labels: Make
) -> None:
    rows = [f"{label}{n},{label},0,0.12,train" for n in range(2) for label in ("kick", "stand")]
    labels = make_labels(*rows, columns="video,label,start_s,end_s,split")
    found = add_background_rows(labels, films.footage, "none of these", 0)
    added = [row for row in found.rows if row.label == "none of these"]
    assert found.rows[: len(labels.rows)] == labels.rows and len(added) == 2
    assert all((row.start_s or 0) >= 0.12 and row.split == "train" for row in added)
    assert add_background_rows(labels, films.footage, "none of these", 0) == found


def test_labels_without_a_gap_or_with_that_name_are_refused(films: Any, make_labels: Make) -> None:
    with pytest.raises(BadInput, match=r"needs .* without a label in some labelled video"):
        add_background_rows(make_labels("kick0,kick", "stand0,stand"), films.footage, "other", 0)
    with pytest.raises(BadInput, match=r"must differ from train\.background_label"):
        add_background_rows(make_labels("kick0,kick", "stand0,stand"), films.footage, "kick", 0)
