"""The overlay: what is drawn where, and what a frame that is not whole looks like."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tasks.report.colours import track_colour
from tasks.report.overlay.annotations import STATUS_COLOUR
from tasks.report.overlay.overlay_video import render_frame, render_frames, write_overlay
from tasks.report.params import ReportParams
from tasks.report.report_data import ReportData

WIDE = {"width": 640, "height": 360}


def _far(picture: np.ndarray, base: int) -> np.ndarray:
    """Where a picture differs from its flat ground."""
    return np.abs(picture.astype(int) - base).max(axis=2) > 8


def test_every_frame_is_shown_at_its_own_time(
    make_dossier: Callable[..., ReportData], walk: list, tmp_path: Path
) -> None:
    pts = [5.0, 5.04, 5.3, 5.34, 5.4, 5.5, 5.6, 6.0, 6.1, 6.2, 6.3, 6.4]
    write_overlay(tmp_path / "a.mp4", make_dossier(walk, pts_s=pts))
    with av.open(str(tmp_path / "a.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([t - 5 for t in pts], abs=1e-5)


def test_a_seen_box_is_closed_and_a_filled_one_is_dashed(make_dossier: Callable[..., ReportData]) -> None:
    box = (200.0, 100.0, 300.0, 250.0)
    dossier = make_dossier([(0, 1, 0, 0.9, box), (1, 1, 0, 0.0, box)], **WIDE)
    colour = np.array(track_colour(1))
    for frame, share in ((0, 1.0), (1, 0.55)):
        side = render_frame(dossier, frame)[110:240, 200]
        drawn = (np.abs(side.astype(int) - colour).max(axis=1) < 3).mean()
        assert drawn == pytest.approx(share, abs=0.15)


def test_nothing_is_drawn_far_from_boxes_and_caption(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier([(0, 1, 0, 0.9, (200.0, 100.0, 300.0, 250.0))], **WIDE)
    changed = _far(render_frame(dossier, 0), 90)
    changed[70:260, 190:310] = False
    changed[330:, :200] = False
    assert not changed.any()


def test_damaged_and_lost_frames_wear_their_colour(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(status=["ok", "damaged", "lost", "ok"], **WIDE)
    pictures = list(render_frames(dossier))
    for frame, status in ((1, "damaged"), (2, "lost")):
        edge = np.concatenate([pictures[frame][0, 9:-9], pictures[frame][9:-9, -1]])
        assert (edge == STATUS_COLOUR[status]).all()
    assert pictures[2][100:200, 100:200].max() < 0.5 * pictures[1][100:200, 100:200].min()
    assert not _far(pictures[3], 93)[:300].any()


def test_a_video_without_one_whole_frame_still_plays(make_dossier: Callable[..., ReportData], tmp_path: Path) -> None:
    write_overlay(tmp_path / "a.mp4", make_dossier(status=["lost"] * 5))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 5


def test_tracks_are_drawn_in_lost_frames_too(make_dossier: Callable[..., ReportData]) -> None:
    rows = [(f, 1, 0, 0.0 if f == 1 else 0.9, (200.0, 100.0, 300.0, 250.0)) for f in range(3)]
    picture = render_frame(make_dossier(rows, status=["ok", "lost", "ok"], **WIDE), 1)
    assert (np.abs(picture[100, 200:300].astype(int) - track_colour(1)).max(axis=1) < 3).any()


def test_without_a_trail_the_way_is_not_drawn(
    make_dossier: Callable[..., ReportData], params: ReportParams, walk: list
) -> None:
    bare = make_dossier(walk, params=params.model_copy(update={"trail": 0}), **WIDE)
    with_trail = make_dossier(walk, **WIDE)
    assert _far(render_frame(with_trail, 11), 101).sum() > _far(render_frame(bare, 11), 101).sum()


def test_memory_holds_a_few_pictures_however_long_the_video(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier(status=["ok"] * 200, **WIDE)
    tracemalloc.start()
    deque(render_frames(dossier), maxlen=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 640 * 360 * 3


def test_a_long_run_of_lost_frames_does_not_hold_on_to_more(make_dossier: Callable[..., ReportData]) -> None:
    pictures = list(render_frames(make_dossier(status=["ok", *["lost"] * 6], **WIDE)))
    assert all((a[100:200] == pictures[1][100:200]).all() for a in pictures[1:])
