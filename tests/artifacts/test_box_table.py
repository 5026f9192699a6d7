"""Tables with a box in every row: what they share, and that it does not move their columns."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.box_table import BoxTable
from tasks.artifacts.detections import Detections
from tasks.artifacts.object_track import ObjectTrack
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError

FACTS = {"frame_count": 2, "width": 64, "height": 48}
KINDS = {Detections: {}, Tracks: {}, ObjectTrack: {"by": "match"}}
NAMES = {
    Detections: "frame pts_s class_id class_name score x1 y1 x2 y2",
    Tracks: "frame pts_s track_id class_id class_name score x1 y1 x2 y2 detection",
    ObjectTrack: "frame pts_s found score x1 y1 x2 y2",
}


def one_row(kind: type[BoxTable], **changes: float) -> BoxTable:
    values = {"class_name": "person", "x2": 5, "y2": 9, "track_id": 1, **changes}
    cells = {
        f.name: np.array([values.get(f.name, 0)], object if f.metadata["dtype"] == "string" else f.metadata["dtype"])
        for f in kind.column_fields()
    }
    return kind(**cells, **FACTS, **KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_is_read_and_checked_alike_in_every_table(kind: type[BoxTable]) -> None:
    np.testing.assert_array_equal(one_row(kind).xyxy, [[0, 0, 5, 9]])
    with pytest.raises(SemflowError, match=rf"{kind.__name__} boxes must have x1 <= x2 and y1 <= y2.*row 0"):
        one_row(kind, x1=6)
    with pytest.raises(SemflowError, match=rf"{kind.__name__}.frame must lie in \[0, 2\), got 2 to 2"):
        one_row(kind, frame=2)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_stay_where_each_table_has_them(kind: type[BoxTable]) -> None:
    """Readers of the files know columns by their place too."""
    assert [f.name for f in kind.column_fields()] == NAMES[kind].split()
    assert [f.metadata["meaning"] for f in kind.column_fields() if f.name in ("x1", "y1", "x2", "y2")] == [
        "left edge, working-size pixels, x to the right",
        "top edge, y downwards",
        "right edge",
        "bottom edge",
    ]
