"""The stage itself, with pictures: what it reads, and that nothing but that decides the result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.artifacts.corrections import Corrections
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.params import Compute
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene
from tasks.track import reid_crops
from tasks.track.stage import track
from tasks.track.tracker_presets import PRESETS
from tests.factories.compute import make_compute
from tests.track.scenes import make_detections, make_params, track_frames

EVERYTHING: dict[str, Any] = {
    "camera_compensation": True,
    "appearance": "closest",
    "link_max_appearance_distance": 0.2,
    "flow_prediction": True,
    "link_max_gap_s": 10,
    "smoothing_s": 20.0,
    "interpolate": True,
    "n_init": 2,
}
Inputs = tuple[Detections, DenseFlow, Features, Frames, Shots, Corrections]
COMPUTE = make_compute(batch=4)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    scene = make_scene(1, SceneSettings(frames=14, height=96, width=160, actors=4, leaving=1))
    scene_artifacts.make_dense_flow(scene, 0.2).to(folder / "flow.parquet")
    scene_artifacts.make_features(scene).to(folder / "features.npy")
    scene_artifacts.make_frames(scene).to(folder / "frames.parquet")
    rows = [
        (frame, tuple(box), 0.9, 0)
        for k, boxes in enumerate(scene.boxes)
        for frame, box in enumerate(boxes.tolist())
        if np.isfinite(box).all() and (frame + 3 * k) % 6
    ]
    make_detections(rows, 14).save(folder / "detections.parquet")  # pyright: ignore[reportArgumentType]
    return folder


def opened(folder: Path) -> Inputs:
    flow, frames = DenseFlow.load(folder / "flow.parquet"), Frames.load(folder / "frames.parquet")
    return (
        Detections.load(folder / "detections.parquet"),
        flow,
        Features.load(folder / "features.npy"),
        frames,
        Shots.from_cuts(flow.cut, frames.pts_s),
        Corrections.absent(),
    )


def content(tracks: Tracks) -> list[list[Any]]:
    return [getattr(tracks, field.name).tolist() for field in tracks.column_fields() if field.name != "pts_s"]


def test_it_declares_what_it_reads() -> None:
    assert {name: kind.__name__ for name, kind in track.inputs.items()} == {
        "detections": "Detections",
        "dense_flow": "DenseFlow",
        "features": "Features",
        "frames": "Frames",
        "shots": "Shots",
        "corrections": "Corrections",
    }
    assert Compute in track.injected.values()


def test_any_number_of_workers_gives_the_same(seen: Path) -> None:
    params = make_params(**EVERYTHING)
    alone = content(track(*opened(seen), params, COMPUTE))
    assert set(alone[-1]) > {-2}
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(lambda _: content(track(*opened(seen), params, COMPUTE)), range(8)):
            assert other == alone


def test_with_everything_off_the_pictures_change_nothing(seen: Path) -> None:
    params = make_params()
    assert content(track(*opened(seen), params, COMPUTE)) == content(track_frames(opened(seen)[0], params))


def test_rows_have_the_time_of_their_frame(seen: Path) -> None:
    tracks, frames = track(*opened(seen), make_params(), COMPUTE), opened(seen)[3]
    np.testing.assert_array_equal(tracks.pts_s, frames.pts_s[tracks.frame])


@pytest.mark.parametrize("way", [EVERYTHING, *PRESETS.values()])
@pytest.mark.usefixtures("colour_network")
def test_no_detection_is_in_two_tracks_with_pictures_either(seen: Path, way: dict[str, Any]) -> None:
    tracks = track(*opened(seen), make_params(**way), COMPUTE)
    source = tracks.detection[tracks.detection >= 0]
    assert len(np.unique(source)) == len(source) > 0


@pytest.mark.parametrize("frames", [0, 1])
def test_a_video_without_pairs_or_detections(frames: int, tmp_path: Path) -> None:
    scene = make_scene(1, SceneSettings(frames=1, height=96, width=160, actors=1, leaving=0))
    dense_flow = scene_artifacts.make_dense_flow(scene).to(tmp_path / "flow.parquet")
    features = scene_artifacts.make_features(scene).to(tmp_path / "features.npy")
    nothing = Detections.empty(frame_count=frames, width=160, height=96)
    images = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    shots = Shots.from_cuts(dense_flow.cut, images.pts_s)
    for source in ("features", "crops"):
        params = make_params(**EVERYTHING, appearance_source=source)
        assert len(track(nothing, dense_flow, features, images, shots, Corrections.absent(), params, COMPUTE)) == 0


def test_weights_are_named_only_where_crops_are_looked_at() -> None:
    named = ("mobilenet-v2-bottleneck",)
    assert track.weights(make_params(appearance_source="crops")) == ()
    assert track.weights(make_params(appearance="closest")) == ()
    assert track.weights(make_params(appearance_source="crops", appearance="first")) == named
    assert track.weights(make_params(appearance_source="crops", link_max_appearance_distance=0.2)) == named


def test_without_looks_neither_frames_nor_network_are_touched(seen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: Any) -> None:
        raise AssertionError(f"asked for {arguments}")

    monkeypatch.setattr(Frames, "image", never)
    monkeypatch.setattr(reid_crops, "load_reid_network", never)
    plain = make_params(appearance_source="crops", camera_compensation=True)
    assert len(track(*opened(seen), plain, COMPUTE)) > 0
    with pytest.raises(AssertionError, match="asked for"):
        track(*opened(seen), make_params(appearance_source="crops", appearance="first"), COMPUTE)


@pytest.mark.usefixtures("colour_network")
def test_no_size_of_batch_changes_what_crops_tell(seen: Path) -> None:
    params = make_params(**EVERYTHING, appearance_source="crops")
    found = [content(track(*opened(seen), params, COMPUTE.model_copy(update={"batch": n}))) for n in (1, 16)]
    assert found[0] == found[1]


def test_no_track_goes_on_in_another_shot(seen: Path) -> None:
    detections, flow, features, frames, shots, corrections = opened(seen)
    apart = Shots.from_cuts(np.arange(13) == 6, frames.pts_s)
    whole = track(detections, flow, features, frames, shots, corrections, make_params(), COMPUTE)
    split = track(detections, flow, features, frames, apart, corrections, make_params(), COMPUTE)
    before, after = (set(split.track_id[where].tolist()) for where in (split.frame <= 6, split.frame > 6))
    assert before and after and not before & after
    seen_rows = [set(one.detection[one.detection >= 0].tolist()) for one in (whole, split)]
    assert seen_rows[1] == seen_rows[0], "no detection is lost"
