"""`semflow field`: the commands as a user calls them, on a synthetic scene with ground truth."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from flows.apps import field_commands as command
from flows.apps import field_remove
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.artifacts.point_paths import PointPaths
from tasks.artifacts.semantic_field import SemanticField
from tasks.artifacts.semantic_flow import SemanticFlow, SemanticFlowMetadata
from tasks.artifacts.shots import Shots
from tasks.artifacts.tracks import Tracks
from tasks.errors import SemflowError
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

VIDEO, TWIN = "scene", "twin"
FIT = {
    "frame_stride": 1, "grid_side": 320, "labels": "auto", "value_kind": "class", "max_labels": 4, "label_every": 3,
    "label_outline": "boxes", "use_instance_masks": False, "segment_side": 320, "min_score": 0.3,
    "evidence_weights": True, "consistency": True, "window": 48, "overlap": 8, "planes": 8, "volume_steps": 10,
    "camera": "homography",
}  # fmt: skip
LABELLED = (3, 10)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(3, SceneSettings(frames=14, height=72, width=128, actors=3, leaving=1))


@pytest.fixture(scope="module")
def project(scene: Scene, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two videos: the scene, and its twin without labels, tracks or field."""
    root = tmp_path_factory.mktemp("project")
    params = yaml.safe_load((checkout / "params.yaml").read_text())
    (root / "params.yaml").write_text(yaml.safe_dump(params | {"fit_field": FIT}))
    features = scene_artifacts.make_features(scene).to(root / "features.npy")
    empty = SemanticFlow(
        np.zeros((0, features.metadata.grid.rows, features.metadata.grid.columns, 3), np.float16),
        (),
        SemanticFlowMetadata(len(scene), scene.settings.width, scene.settings.height, features.metadata.grid),
    )
    for video in (VIDEO, TWIN):
        for folder in (Frames, DenseFlow, Features, SemanticFlow, Shots, Tracks, SemanticField):
            folder.path(root, video).parent.mkdir(parents=True, exist_ok=True)
        scene_artifacts.make_frames(scene).save(Frames.path(root, video))
        scene_artifacts.make_dense_flow(scene).save(DenseFlow.path(root, video))
        Shots.from_cuts(np.zeros(len(scene) - 1, np.bool_), np.arange(len(scene)) / 25).save(Shots.path(root, video))
        features.save(Features.path(root, video))
        empty.save(SemanticFlow.path(root, video))
        tracks_of(scene).save(Tracks.path(root, video))
    folder = root / "data/labels" / VIDEO
    folder.mkdir(parents=True)
    for frame in LABELLED:
        Image.fromarray(scene.instances[frame]).save(folder / f"{frame:06d}.png")
    names = ["ground", *(f"actor{n}" for n in range(1, len(scene.layers)))]
    (folder / "names.txt").write_text("\n".join(names) + "\n")
    return root


def tracks_of(scene: Scene) -> Tracks:
    """No rows: the scene's things have no boxes here."""
    none = np.zeros(0)
    whole, real = none.astype(np.int32), none.astype(np.float32)
    return Tracks(
        frame=whole, track_id=whole, class_id=none.astype(np.int16), class_name=none.astype(object), score=real,
        x1=real, y1=real, x2=real, y2=real, detection=whole, frame_count=len(scene),
        width=scene.settings.width, height=scene.settings.height,
    )  # fmt: skip


@pytest.fixture
def semflow(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """`semflow field ... --json` in the project."""

    def run(*words: str) -> dict[str, Any]:
        monkeypatch.chdir(project)
        capsys.readouterr()
        assert command.command.main([*words, "--json"], standalone_mode=False) == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def fitted(project: Path, semflow: Callable[..., dict[str, Any]]) -> SemanticField:
    """The scene's field, as the pipeline would leave it."""
    path = SemanticField.path(project, VIDEO)
    if not path.exists():
        made = semflow("complete", VIDEO, "--out", str(project / "fitted"))
        shutil.copy(Path(made["folder"]) / "field.parquet", path)
    return SemanticField.load(path)


def mean_iou(found: np.ndarray, truth: np.ndarray) -> float:
    ids = np.unique(truth)
    return float(np.mean([((found == n) & (truth == n)).sum() / ((found == n) | (truth == n)).sum() for n in ids]))


def test_labels_of_two_frames_become_labels_of_all_better_than_copies(
    project: Path, scene: Scene, semflow: Callable[..., dict[str, Any]]
) -> None:
    made = semflow("complete", VIDEO)
    folder = Path(made["folder"])
    assert folder == project / "field" / VIDEO / "complete"
    pictures = [Image.open(folder / "labels" / f"{frame:06d}.png") for frame in range(len(scene))]
    assert pictures[0].mode == "P"
    found = np.stack([np.asarray(picture) for picture in pictures])
    held = [frame for frame in range(len(scene)) if frame not in LABELLED]
    nearest = [min(LABELLED, key=lambda labelled: abs(labelled - frame)) for frame in held]
    truth = scene.instances[held]
    assert mean_iou(found[held], truth) > mean_iou(scene.instances[nearest], truth) + 0.15
    assert (found[LABELLED[0]] == scene.instances[LABELLED[0]]).mean() > 0.99
    assert made["given"] == 2
    assert made["classes"][:2] == ["ground", "actor1"]
    with (folder / "confidences.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(len(scene)))
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)
    assert {"overlay.mp4", "field.parquet", "labels/names.txt", "about.json"} <= set(made["files"])


def test_what_complete_leaves_can_be_its_labels(
    project: Path, semflow: Callable[..., dict[str, Any]], tmp_path: Path, fitted: SemanticField
) -> None:
    folder = project / "fitted" / "labels"
    again = semflow(
        "complete", VIDEO, "--labels", str(folder / "000003.png"), str(folder / "names.txt"), "--every", "5",
        "--out", str(tmp_path / "again"),
    )  # fmt: skip
    assert again["maps"] == 4  # 0, 3, 5, 10
    assert again["classes"] == [one.name for one in fitted.metadata.classes]


def test_a_point_follows_the_scene(scene: Scene, semflow: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    start = 4
    ids = scene.instances[start]
    seeds = [np.argwhere(ids == n).mean(axis=0).round().astype(int)[::-1] for n in np.unique(ids)]
    seeds = [np.array(seed) for seed in seeds]
    words = [f"{x},{y}@{start}" for x, y in seeds]
    made = semflow("track", VIDEO, "--points", *words, "--out", str(tmp_path / "out"))
    table = PointPaths.load(tmp_path / "out" / "points.parquet")
    count, length = len(seeds), len(scene)
    at = np.stack([table.x, table.y], axis=1).reshape(length, count, 2)
    visible = table.visible.reshape(length, count)
    truth, seen = scene.track_points(start, np.array(seeds))
    away = np.linalg.norm(at - truth, axis=2)
    assert np.median(away[seen]) < 0.5
    assert (away[seen & visible] < 3).mean() > 0.9
    assert (visible == seen).mean() > 0.8
    assert made["points"] == count
    assert np.allclose(at[start], seeds)
    assert (table.confidence.reshape(length, count)[start] == 1).all()


def test_lucas_kanade_tracks_what_stays_visible(
    scene: Scene, semflow: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    point = np.argwhere(scene.instances[0] == 0).mean(axis=0).round().astype(int)[::-1]
    words = ("--points", f"{point[0]},{point[1]}@4", "--method", "lucas-kanade")
    semflow("track", VIDEO, *words, "--out", str(tmp_path / "out"))
    table = PointPaths.load(tmp_path / "out" / "points.parquet")
    truth, seen = scene.track_points(4, point[None])
    at = np.stack([table.x, table.y], axis=1)
    both = seen[:, 0] & table.visible
    assert both.sum() > 5
    assert np.median(np.linalg.norm(at - truth[:, 0], axis=1)[both]) < 1
    assert (table.confidence[~table.visible] == 0).all()


def test_points_of_an_object_stay_on_it(
    scene: Scene, semflow: Callable[..., dict[str, Any]], fitted: SemanticField, tmp_path: Path
) -> None:
    actor = largest(scene)
    semflow("track", VIDEO, "--instance", str(actor), "--out", str(tmp_path / "out"))
    table = PointPaths.load(tmp_path / "out" / "points.parquet")
    seen = table.visible
    x, y = (np.rint(values[seen]).astype(int) for values in (table.x, table.y))
    inside = (x >= 0) & (x < scene.settings.width) & (y >= 0) & (y < scene.settings.height)
    assert inside.all()
    assert (scene.instances[table.frame[seen], y, x] == actor).mean() > 0.9


def largest(scene: Scene) -> int:
    return 1 + int(np.bincount(scene.instances.ravel(), minlength=len(scene.layers))[1:].argmax())


def test_removal_gives_back_what_lies_behind(
    scene: Scene, semflow: Callable[..., dict[str, Any]], fitted: SemanticField, tmp_path: Path
) -> None:
    import av

    actor = largest(scene)
    made = semflow(
        "remove", VIDEO, "--class", f"actor{actor}", "--instance", str(actor), "--out", str(tmp_path / "out")
    )
    assert made["frames with it"] > 0
    with av.open(str(tmp_path / "out" / "removed.mp4")) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(pictures) == len(scene)
    height, width = scene.settings.height, scene.settings.width
    factor = pictures[0].shape[1] // width  # small videos are shown larger
    before, after = [], []
    for frame in range(0, len(scene), 3):
        hit = scene.find_visible_behind(frame, actor)
        truth = scene.render_without(frame, actor).astype(float)[hit]
        small = pictures[frame][: height * factor, : width * factor]
        small = small.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
        after.append(((small[hit] - truth) ** 2).ravel())
        before.append(((scene.frames[frame][hit] - truth) ** 2).ravel())
    psnr_before, psnr_after = (10 * np.log10(255**2 / np.concatenate(error).mean()) for error in (before, after))
    assert psnr_after > psnr_before + 5


def test_a_video_without_labels_learns_from_its_twin(
    scene: Scene, semflow: Callable[..., dict[str, Any]], fitted: SemanticField, tmp_path: Path
) -> None:
    made = semflow("adapt", TWIN, "--from", VIDEO, "--frames", "4", "--out", str(tmp_path / "out"))
    assert made["classes"] == [one.name for one in fitted.metadata.classes]
    found = SemanticField.load(tmp_path / "out" / "field.parquet")
    maps = np.stack([found.map(row).label for row in range(len(found))])
    truth = scene.instances[found.frames]
    assert mean_iou(maps > 0, truth > 0) > 0.55
    assert (tmp_path / "out" / "proposed" / "names.txt").read_text().startswith("ground\n")


WRONG = [
    (["complete", "nobody"], "VIDEO must be a video with data/frames/nobody.parquet, got 'nobody'.*run `semflow run`"),
    (["complete", TWIN], "--labels must be masks named after their frames .* got none in data/labels/twin"),
    (["complete", VIDEO, "--labels", "gone.png"], "--labels must be files or a folder, got gone.png"),
    (["complete", VIDEO, "--every", "0"], "--every must be 1 or more, got 0"),
    (["track", TWIN, "--instance", "1"], "VIDEO must be a video with data/semantic_field/twin.parquet.*semflow run"),
    (["track", VIDEO], "either --points or --instance .* must be given"),
    (["track", VIDEO, "--points", "1;2"], "--points must be x,y or x,y@frame in numbers, got '1;2'"),
    (["track", VIDEO, "--points", "500,2"], "must lie in the 128x72 frame .*, got '500,2'"),
    (["track", VIDEO, "--points", "5,2@99"], r"must lie in \[0, 14\), got '5,2@99'"),
    (["remove", VIDEO, "--instance", "99"], r"--instance must be one of 1 \(actor1\), .*, got 99"),
    (["remove", VIDEO, "--class", "yak"], "--class must be one of actor1, .*, got 'yak'"),
    (["remove", VIDEO], "must be named by --instance N, --class NAME or both, got neither"),
    (["remove", VIDEO, "--instance", "1", "--class", "actor2"], "must be that of the instance, 'actor1', got 'actor2'"),
    (["adapt", VIDEO, "--from", TWIN], "VIDEO must be a video with data/semantic_field/twin.parquet.*semflow run"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_what_is_wrong_is_named_and_nothing_is_left(
    words: list[str], message: str, semflow: Callable[..., dict[str, Any]], fitted: SemanticField, tmp_path: Path
) -> None:
    del fitted
    with pytest.raises(SemflowError, match=message):
        semflow(*words, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_a_mask_of_another_shape_is_named_and_nothing_is_left(
    scene: Scene, semflow: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    Image.fromarray(scene.instances[0][:, :50]).save(tmp_path / "000000.png")
    with pytest.raises(SemflowError, match=r"must have the frame's proportions, 128x72, got 50x72.*mend the labels"):
        semflow("complete", VIDEO, "--labels", str(tmp_path / "000000.png"), "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_never_replaced(semflow: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dear")
    with pytest.raises(SemflowError, match="--out must be a new or an empty folder, or one made by this command"):
        semflow("track", VIDEO, "--points", "5,5", "--out", str(tmp_path))
    assert (tmp_path / "mine.txt").read_text() == "dear"
    semflow("track", VIDEO, "--points", "5,5", "--out", str(tmp_path / "ours"))
    semflow("track", VIDEO, "--points", "6,5", "--out", str(tmp_path / "ours"))
    assert json.loads((tmp_path / "ours" / "about.json").read_text())["points"] == 1


def test_windows_of_a_removal_begin_with_the_object_and_cover_every_frame_once() -> None:
    cut = np.zeros(199, np.bool_)
    cut[119] = True  # between frames 119 and 120
    windows = list(field_remove.list_removal_windows(range(200), cut, lambda frame: 40 <= frame < 110))
    rendered = [window.frames[place] for window in windows for place in window.rendered]
    assert rendered == [*range(200)]
    found = [(window.frames[0], len(window.frames), len(window.rendered), window.shows_it) for window in windows]
    core, margin = field_remove.CORE_FRAMES, field_remove.MARGIN_FRAMES
    assert found == [
        (0, 40, 40, False),
        (40 - margin, core + 2 * margin, core, True),
        (40 + core - margin, 22 + margin + 10, 22, True),  # ends at the cut
        (110, 10, 10, False),
        (120, 80, 80, False),
    ]


def test_a_removal_is_expected_to_take_longer_where_more_frames_show_the_object() -> None:
    cut = np.zeros(99, np.bool_)
    sizes = [{frame: 50 * (frame < seen) for frame in range(100)} for seen in (0, 20, 90)]
    none, some, most = (field_remove.estimate_seconds(range(100), size, cut) for size in sizes)
    assert 0 < none < some < most
