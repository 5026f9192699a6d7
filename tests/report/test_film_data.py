"""The data of the film page: exact where it is whole, evenly thinned where a film is long, and small for any film."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.artifacts.masks import Masks, encode_mask
from tasks.artifacts.table import NULL
from tasks.report.film_data import person_data
from tasks.report.film_data.film_script import VARIABLE, list_actions, pack_film, render_film_script
from tasks.report.film_data.kept_rows import choose_stride, keep_strided
from tasks.report.film_data.packed_series import pack_series
from tasks.report.film_data.picture_layers import pack_masks
from tasks.report.report_data import ReportData
from tests.report.action_tables import make_actions
from tests.report.figures import make_kinematics, make_poses
from tests.report.long_film import pack_long_film


def unpack(series: Mapping[str, Any]) -> NDArray[np.int64]:
    """The (rows, columns) integers that `series` holds."""
    rows, columns, width = series["rows"], series["columns"], series["bytes"]
    planes = np.frombuffer(zlib.decompress(base64.b64decode(series["data"])), np.uint8).reshape(width, -1)
    codes = sum((plane.astype(np.int64) << (8 * place) for place, plane in enumerate(planes)), np.int64(0))
    steps = (codes >> 1) ^ -(codes & 1)
    table = steps.reshape(rows, columns) if series["byRow"] else steps.reshape(columns, rows).T
    return np.cumsum(table, axis=0)


@given(st.lists(st.tuples(st.integers(-(2**28), 2**28), st.integers(-3, 3)), min_size=1), st.booleans())
def test_series_hold_their_integers_exactly(rows: list[tuple[int, int]], by_row: bool) -> None:
    assert unpack(pack_series(np.array(rows), by_row)).tolist() == [list(row) for row in rows]


def test_values_too_far_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="differences must fit 31 bits"):
        pack_series(np.array([0, 2**40]))


def test_thinned_rows_keep_every_nth_frame_and_the_ends_of_runs() -> None:
    frame, group = np.array([1, 2, 3, 4, 5, 9, 10, 3]), np.array([1, 1, 1, 1, 1, 1, 1, 2])
    kept = keep_strided(frame, group, 3)
    assert list(zip(group[kept], frame[kept], strict=True)) == [(1, 1), (1, 3), (1, 5), (1, 9), (1, 10), (2, 3)]
    assert keep_strided(frame, group, 1).tolist() == list(range(8))


@given(st.integers(0, 10**7), st.integers(1, 10**5))
def test_the_stride_is_the_smallest_that_is_enough(rows: int, most: int) -> None:
    stride = choose_stride(rows, most)
    assert rows / stride <= most
    assert stride == 1 or rows / (stride - 1) > most


def test_boxes_and_keypoints_come_back_to_half_a_pixel(make_dossier: Callable[..., ReportData], walk: list) -> None:
    data = make_dossier(walk)
    packed = person_data.pack_tracks(data)
    assert [(one["id"], one["rows"], one["class"]) for one in packed["list"]] == [(1, 11, "person"), (2, 3, "car")]
    order = np.lexsort((data.tracks.frame, data.tracks.track_id))
    assert unpack(packed["frame"])[:, 0].tolist() == data.tracks.frame[order].tolist()
    assert np.abs(unpack(packed["xyxy"]) / packed["scale"] - data.tracks.xyxy[order]).max() <= 0.5
    assert unpack(packed["seen"])[:, 0].tolist() == (data.tracks.detection[order] >= 0).tolist()


def test_unknown_keypoints_and_angles_are_marked(make_dossier: Callable[..., ReportData]) -> None:
    poses = make_poses(make_dossier())
    poses.smooth_x[3:5, 0] = poses.smooth_y[3:5, 0] = np.nan
    packed = person_data.pack_poses(poses)
    assert packed is not None
    known = unpack(packed["known"])
    assert not known[3:5, :2].any() and known.sum() == known.size - 4
    kinematics = make_kinematics(poses)
    curves = person_data.pack_curves(kinematics)
    assert curves is not None
    column = [one["label"] for one in curves["names"]].index("knee left")
    assert np.abs(unpack(curves["values"])[:, column] - (180 - kinematics.knee_left)).max() <= 0.5
    assert not unpack(curves["known"])[:, -1].any(), "the lean of the trunk is unknown throughout"


def test_masks_are_maps_with_a_value_for_each_track(make_dossier: Callable[..., ReportData]) -> None:
    data = make_dossier([(f, k, 0, 0.9, (10.0 * k, 10, 10.0 * k + 9, 40)) for f in (0, 5) for k in (1, 2)])
    count = len(data.detections)
    pixels = np.zeros((data.frames.height, data.frames.width), np.bool_)
    pixels[10:40, 20:60] = True
    rle = np.array([encode_mask(pixels), "", "", encode_mask(~pixels)], object)
    area = np.array([pixels.sum(), 0, 0, (~pixels).sum()], np.int32)
    zeros = np.zeros(count, np.float32)
    size = {"frame_count": len(data.frames), "width": data.frames.width, "height": data.frames.height}
    masks = Masks(data.detections.frame, np.arange(count, dtype=np.int32), zeros, zeros, area, rle, **size)
    packed = pack_masks(replace(data, masks=masks))
    assert packed is not None and pack_masks(data) is None
    assert unpack(packed["frame"])[:, 0].tolist() == [0, 5]
    maps = unpack(packed["maps"]).reshape(2, packed["height"], packed["width"])
    assert maps.shape[1:] == pixels.shape, "a small picture is kept as it is"
    assert (maps[0] == pixels).all() and (maps[1] == 2 * ~pixels).all()
    assert [one["name"] for one in packed["labels"]] == ["", "1", "2"]


def test_windows_of_actions_end_where_the_next_begins() -> None:
    rows = [
        (0, 20, "rgb", NULL, 1, "wave", 0.9),
        (0, 30, "flow", 2, 1, "leap", 0.4),
        (12, 40, "rgb", NULL, 1, "clap", 0.6),
    ]
    found = list_actions(make_actions(sorted(rows), frame_count=50))
    spans = {(one["stream"], one["track"], one["label"]): (one["first"], one["last"]) for one in found}
    assert spans == {("rgb", None, "wave"): (0, 11), ("rgb", None, "clap"): (12, 40), ("flow", 2, "leap"): (0, 30)}
    assert list_actions(None) == []


def test_a_name_cannot_end_the_script(make_dossier: Callable[..., ReportData], walk: list) -> None:
    data = make_dossier(walk, {0: "</script><b>", 2: "\u2028car"}, file="舞踊</script>.mp4")
    text = render_film_script(data)
    assert text.isascii() and text.startswith(f"window.{VARIABLE}=")
    read = json.loads(text.partition("=")[2].rstrip().rstrip(";"))
    assert read["video"] == data.video and read["tracks"]["list"][0]["class"] == "</script><b>"


@pytest.mark.parametrize("status", [[], ["ok"], ["lost"] * 3])
def test_films_with_next_to_nothing_have_data_too(make_dossier: Callable[..., ReportData], status: list[str]) -> None:
    packed = pack_film(make_dossier(status=status))
    assert packed["status"]["rows"] == len(status)
    assert packed["tracks"]["list"] == [] and packed["poses"] is packed["arrows"] is None


def test_ten_minutes_of_four_people_stay_below_a_megabyte_and_a_half(make_dossier: Callable[..., ReportData]) -> None:
    packed = pack_long_film(make_dossier([(0, 1, 0, 0.9, (10.0, 10, 19, 40))]))
    assert packed["poses"]["stride"] > 1, "long enough to be thinned"
    assert len(json.dumps(packed)) < 1_500_000  # characters, each a byte of film.js
