"""A data set of two films in git and DVC with the recipes of real stages, recorded twice with changes in between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from flows.engine.dvc_store.dvc_lock import DirHash, StageRecord, update_lock
from flows.engine.dvc_store.dvc_pointer import write_pointer
from flows.engine.dvc_store.object_store import ObjectStore
from flows.engine.job_execution import hash_files
from flows.engine.measures import measure_artifacts
from flows.engine.recipe import Method, Recipe, method_path, recipe_path
from flows.versions.recorded_version import list_contents
from tasks.artifacts.corrections import Corrections
from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.content_hash import combine_hashes, md5_file
from tests.reading.conftest import HEIGHT, TIMES, WIDTH, git, save, write_film

OUTPUTS = {
    "decode": "frames", "detect": "detections", "estimate_flow": "dense_flow", "extract_features": "features",
    "track": "tracks", "classify": "actions",
}  # fmt: skip
READS = {
    "decode": (), "detect": ("decode",), "estimate_flow": ("decode",), "extract_features": ("decode",),
    "track": ("detect", "estimate_flow", "extract_features"), "classify": ("decode", "track"),
}  # fmt: skip
PARAMS: dict[str, dict[str, Any]] = {
    **{stage: {"spare": 0} for stage in OUTPUTS},
    "track": {"max_gap_s": 0.37},
    "detect": {"score_threshold": 0.1},
}


def make_tracks(video: str, boxes: Mapping[int, tuple[int, int, float]]) -> Tracks:
    """Identities that stand still: number to (first frame, last frame, left edge in pixels)."""
    rows = sorted((frame, number) for number, (first, last, _) in boxes.items() for frame in range(first, last + 1))
    frame = np.array([row[0] for row in rows], np.int32)
    left = np.array([boxes[number][2] for _, number in rows], np.float32)
    return Tracks(
        frame=frame,
        pts_s=TIMES[video][frame],
        track_id=np.array([number for _, number in rows], np.int32),
        class_id=np.zeros(len(rows), np.int16),
        class_name=np.full(len(rows), "person", object),
        score=np.ones(len(rows), np.float32),
        x1=left,
        y1=np.zeros(len(rows), np.float32),
        x2=left + np.float32(6),
        y2=np.full(len(rows), 9, np.float32),
        detection=np.arange(len(rows), dtype=np.int32),
        video=video,
        frame_count=len(TIMES[video]),
        width=WIDTH,
        height=HEIGHT,
    )


def write_video(root: Path, video: str, tracks: Tracks | None = None) -> None:
    """A film, and its artifacts; the detections are the boxes of its tracks."""
    (root / "data/raw").mkdir(parents=True, exist_ok=True)
    (root / f"data/raw/{video}.mp4").write_text(f"film {video}")
    write_film(root, video)
    if tracks is not None:
        save(root, video, Tracks, tracks.save)
    made = Tracks.load(Tracks.path(root, video))
    columns = {field.name: getattr(made, field.name) for field in Detections.column_fields()}
    count, size = len(TIMES[video]), {"width": WIDTH, "height": HEIGHT}
    save(root, video, Detections, Detections(**columns, video=video, frame_count=count, **size).save)


def write_recipes(root: Path, videos: list[str], params: Mapping[str, Mapping[str, Any]]) -> None:
    """The recipes of all items, made of the files that are there."""
    for folder in (root / "data/recipes").glob("*"):
        for path in folder.iterdir():
            path.unlink()
    for video in videos:
        made: dict[str, str] = {}
        for stage, name in OUTPUTS.items():
            method = Method(stage, params[stage], {f"tasks.{stage}": "c" * 64}, {"toy": "a" * 64}, {"numpy": "2"}, "")
            path = next((root / "data" / name).glob(f"{video}.*"))
            raw = f"{md5_file(root / f'data/raw/{video}.mp4')} {video}.mp4"
            inputs = {"raw": raw} if stage == "decode" else {OUTPUTS[one]: made[one] for one in READS[stage]}
            written = Corrections.path(root, video)
            files = {"": md5_file(written)} if written.exists() else {}
            inputs |= {"corrections": combine_hashes(files)} if stage == "track" else {}
            outputs = {f"data/{name}": hash_files(path)}
            measures = measure_artifacts([(f"data/{name}", path)])
            recipe = Recipe(video, stage, method.digest, inputs, outputs, measures=measures)
            made[stage] = list_contents(recipe)[f"data/{name}"]
            for place, text in (
                (recipe_path(root, stage, video), recipe.to_text()),
                (method_path(root, stage, method.digest), method.to_text()),
            ):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)


def record_version(root: Path, message: str, videos: list[str], params: Mapping[str, Mapping[str, Any]]) -> None:
    """Write recipes, dvc.lock, the pointer and params.yaml, put all bytes into DVC's cache, commit and tag it."""
    write_recipes(root, videos, params)
    (root / "params.yaml").write_text(yaml.safe_dump({"compute": {"device": "auto"}, **params}, sort_keys=False))
    store = ObjectStore.open(root)
    assert store is not None

    def hold(folder: str) -> DirHash:
        files = {path.name: path for path in sorted((root / folder).iterdir())}
        for path in files.values():
            store.add_file(path, md5_file(path))
        md5 = store.write_listing({file: md5_file(path) for file, path in files.items()})
        return DirHash(md5, sum(path.stat().st_size for path in files.values()), len(files))

    records = [
        StageRecord(
            stage,
            f"semflow stage {stage}",
            outs={folder: hold(folder) for folder in (f"data/{name}", f"data/recipes/{stage}")},
        )
        for stage, name in OUTPUTS.items()
    ]
    update_lock(root, records)
    write_pointer(root, "data/raw", hold("data/raw"))
    git(root, "add", "-A")
    git(root, "commit", "-qm", message)
    git(root, "tag", message)


def make_second_version(root: Path) -> None:
    """One identity of `steady` is cut in two, one is gone, one is new; `uneven` stays as it is."""
    write_video(root, "steady", make_tracks("steady", {1: (0, 19, 0), 3: (20, 39, 0), 4: (0, 9, 24)}))
    params = {**PARAMS, "track": {"max_gap_s": 0.2}}
    record_version(root, "v2", ["steady", "uneven"], params)


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project at the tag v2 of two, v1 before it."""
    for name in ("DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    root = tmp_path / "project"
    root.mkdir()
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    folders = "".join(f"/data/{name}/\n" for name in (*OUTPUTS.values(), "raw", "recipes"))
    (root / ".gitignore").write_text(f"{folders}/.dvc/cache\n/.dvc/tmp\n/.semflow\n")
    git(root, "init", "-q", "-b", "main")
    write_video(root, "steady", make_tracks("steady", {1: (0, 39, 0), 2: (0, 39, 12)}))
    write_video(root, "uneven")
    record_version(root, "v1", ["steady", "uneven"], PARAMS)
    make_second_version(root)
    return root
