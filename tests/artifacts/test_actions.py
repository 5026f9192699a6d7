from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.artifacts.actions import CAM_SIDE, Actions
from tasks.artifacts.table import NULL
from tasks.errors import SemflowError

Row = tuple[int, str, int, int, str, float]
"""(window, stream, track or NULL, rank, label, probability)."""
FACTS = {"frame_count": 40, "width": 64, "height": 48, "network": "i3d", "notes": ["One."], "confident_from": 0.5}


def make_actions(rows: Sequence[Row], **changes: object) -> Actions:
    """Windows of ten frames."""
    window, stream, track_id, rank, label, probability = (list(part) for part in zip(*rows, strict=True))
    first = np.array(window, np.int32) * 10
    columns = {
        "window": np.array(window, np.int32),
        "first_frame": first,
        "last_frame": first + 9,
        "start_s": first / 25,
        "end_s": (first + 9) / 25,
        "looped": np.zeros(len(rows), np.bool_),
        "stream": np.array(stream, object),
        "track_id": np.array(track_id, np.int32),
        "vocabulary": np.array(["kinetics-400" if s == "rgb" else "synthetic" for s in stream], object),
        "rank": np.array(rank, np.int16),
        "label": np.array(label, object),
        "probability": np.array(probability, np.float32),
        "confident": np.array([r == 1 and p >= 0.5 for r, p in zip(rank, probability, strict=True)]),
        **{name: np.full(len(rows), value, np.float32) for name, value in zip(("x1", "y1"), (2, 4), strict=True)},
        **{name: np.full(len(rows), value, np.float32) for name, value in zip(("x2", "y2"), (30, 32), strict=True)},
        "cam_frame": first + 5,
        "cam": np.tile(np.arange(CAM_SIDE**2, dtype=np.uint8), (len(rows), 1)),
    }
    return Actions(**{**columns, **FACTS, **changes})


ROWS: list[Row] = [
    (0, "rgb", NULL, 1, "waving", 0.66),
    (0, "rgb", NULL, 2, "clapping", 0.3),
    (0, "flow", 3, 1, "wave", 0.9),
    (1, "rgb", NULL, 1, "clapping", 0.45),
    (1, "rgb", NULL, 2, "jogging", 0.2),
    (1, "rgb", 3, 1, "jogging", 0.4),
]


def test_it_comes_back_as_it_was_saved_and_the_whole_frame_has_no_track(tmp_path: Path) -> None:
    actions = make_actions(ROWS)
    actions.save(tmp_path / "a.parquet")
    back = Actions.load(tmp_path / "a.parquet")
    for field in Actions.column_fields():
        np.testing.assert_array_equal(getattr(back, field.name), getattr(actions, field.name))
    assert back.notes == ["One."] and back.confident_from == 0.5
    assert pq.read_table(tmp_path / "a.parquet").column("track_id").to_pylist() == [None, None, 3, None, None, 3]
    back.save(tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("name", ["novelty", "max_logit"])
def test_files_of_earlier_versions_lack_columns_and_are_read(name: str, tmp_path: Path) -> None:
    given = make_actions(ROWS, **{name: np.linspace(0, 1, len(ROWS))})
    given.save(tmp_path / "a.parquet")
    assert (getattr(Actions.load(tmp_path / "a.parquet"), name) == getattr(given, name)).all()
    pq.write_table(pq.read_table(tmp_path / "a.parquet").drop_columns([name]), tmp_path / "b.parquet")
    back = Actions.load(tmp_path / "b.parquet")
    assert np.isnan(getattr(back, name)).all() and not back.unfamiliar.any() and not back.uncertain.any()


def test_an_empty_table_has_the_columns(tmp_path: Path) -> None:
    Actions.empty(**FACTS).save(tmp_path / "a.parquet")
    back = Actions.load(tmp_path / "a.parquet")
    assert len(back) == 0 and back.summarise_streams() == {}


def test_the_summary_is_the_mean_over_a_stream_s_looks() -> None:
    summary = make_actions(ROWS).summarise_streams()
    assert list(summary) == ["rgb", "flow"]
    assert [(said.label, pytest.approx(said.probability)) for said in summary["rgb"]] == [
        ("clapping", 0.75 / 3),
        ("waving", 0.66 / 3),
        ("jogging", 0.6 / 3),
    ]
    assert [said.confident for said in summary["rgb"]] == [False] * 3
    assert [(said.label, said.vocabulary, said.confident) for said in summary["flow"]] == [("wave", "synthetic", True)]


def test_the_summary_of_one_person_counts_the_looks_at_them() -> None:
    actions = make_actions(ROWS)
    mine = actions.take(actions.track_id == 3).summarise_streams()
    assert [(said.label, said.probability) for said in mine["rgb"]] == [("jogging", pytest.approx(0.4))]


def test_a_map_has_its_rows_and_columns() -> None:
    cam = make_actions(ROWS).cam_map(0)
    assert cam.shape == (7, 7) and cam[1, 2] == pytest.approx(9 / 255)


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        ([(0, "sound", NULL, 1, "a", 0.5)], {}, "stream must be one of rgb, flow, fused, got 'sound'"),
        ([(0, "rgb", NULL, 1, "a", 1.5)], {}, r"probability must lie in 0\.\.1"),
        ([(4, "rgb", NULL, 1, "a", 0.5)], {}, r"windows must lie in \[0, 40\)"),
        ([(0, "rgb", NULL, 1, "a", 0.5)], {"last_frame": np.array([-1], np.int32)}, "not end before they begin"),
        ([(0, "flow", 3, 1, "a", 0.5), (0, "rgb", NULL, 1, "a", 0.5)], {}, "must be ordered"),
        ([(0, "rgb", 3, 1, "a", 0.5), (0, "rgb", NULL, 1, "a", 0.5)], {}, "must be ordered"),
        ([(0, "rgb", NULL, 1, "a", 0.5), (0, "rgb", NULL, 1, "b", 0.5)], {}, "each once"),
    ],
)
def test_what_cannot_be_is_refused(rows: list[Row], changes: dict, words: str) -> None:
    with pytest.raises(SemflowError, match=words):
        make_actions(rows, **changes)
