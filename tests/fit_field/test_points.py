"""Points along the flow of a scene whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts.point_tracks import PointTracks
from tasks.errors import BadInput
from tasks.fit_field.points import followed
from tasks.synthetic.scene import inputs
from tasks.synthetic.scene.scene import SceneSettings, make_scene


@pytest.fixture(scope="module")
def scene():
    return make_scene(0, SceneSettings(frames=8))


@pytest.fixture(scope="module")
def flow(scene, tmp_path_factory):
    return inputs.dense_flow(scene).to(tmp_path_factory.mktemp("flow") / "flow.parquet")


def test_points_are_where_the_scene_has_them(scene, flow) -> None:
    asked = [(3, 60.0, 40.0), (3, 120.0, 100.0), (0, 200.0, 20.0)]
    tracks = followed(flow, asked)
    for number, (frame, x, y) in enumerate(asked):
        places, seen = scene.follow(frame, np.array([[x, y]]))
        rows = tracks.take(tracks.point == number)
        both = rows.visible & np.asarray(seen).reshape(-1)
        assert both.sum() >= 3
        error = np.hypot(rows.x - places.reshape(-1, 2)[:, 0], rows.y - places.reshape(-1, 2)[:, 1])
        assert error[both].max() < 0.5


def test_a_lost_point_stays_lost(flow) -> None:
    tracks = followed(flow, [(2, 2.0, float(y)) for y in range(4, 140, 8)])
    for number in range(17):
        visible = tracks.visible[tracks.point == number]
        first, last = np.flatnonzero(visible)[[0, -1]]
        assert visible[first : last + 1].all()
    assert np.isnan(tracks.x[~tracks.visible]).all()


def test_tracks_come_back_from_disk(flow, tmp_path: Path) -> None:
    tracks = followed(flow, [(0, 9.0, 9.0)])
    tracks.save(tmp_path / "tracks.parquet")
    assert (PointTracks.load(tmp_path / "tracks.parquet").visible == tracks.visible).all()
    assert len(followed(flow, [])) == 0


@pytest.mark.parametrize("wrong", [(9, 1.0, 1.0), (0, -1.0, 1.0), (0, 1.0, 500.0)])
def test_points_beyond_the_video_are_named(flow, wrong) -> None:
    with pytest.raises(BadInput, match="points must lie in frames 0 to 7, on 256x144 pixels"):
        followed(flow, [wrong])
