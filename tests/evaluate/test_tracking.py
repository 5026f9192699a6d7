"""The suite from film to identities: films found, packed and cut, people scored in source pixels, peers named."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import yaml

from flows.evaluate import tracking, tracking_films
from flows.evaluate.track_ablations import FROM_DETECTIONS, FROM_PICTURES
from flows.evaluate.tracking_films import cut_frames, find_films, make_video_file, scale_people
from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.detect.params import DetectParams
from tasks.errors import BadInput
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.params import Compute, ParamSections
from tasks.track import reid_crops
from tests.track.scenes import make_detections, make_params, track_frames, walk

VALUES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
DECODE = DecodeParams.model_validate(VALUES["decode"] | {"encoding": "png"})
FRAMES, WIDTH, HEIGHT = 12, 640, 480
COMPUTE = Compute(device="cpu", workers=1, batch=1, item_timeout_s=0, worker_memory_gb=0, store_raw=True, recompute=())


def picture(number: int) -> np.ndarray:
    image = np.full((HEIGHT, WIDTH, 3), 80, np.uint8)
    cv2.rectangle(image, (100 + 2 * number, 100), (140 + 2 * number, 200), (0, 0, 200), -1)
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One sequence with frames in img1/ and the truth of one person."""
    film = tmp_path / "one"
    (film / "img1").mkdir(parents=True)
    (film / "gt").mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(film / "img1" / f"{number + 1:06d}.jpg"), picture(number))
    truth = [f"{n + 1},1,{100 + 2 * n},{100 + n},40,100,1,-1,-1,-1\n" for n in range(FRAMES)]
    (film / "gt" / "gt.txt").write_text("".join(truth))
    (film / "seqinfo.ini").write_text(
        f"[Sequence]\nseqLength={FRAMES}\nframeRate=25\nimWidth={WIDTH}\nimHeight={HEIGHT}\n"
    )
    return tmp_path


def decode_film(path: Path, folder: Path) -> Frames:
    return decode(RawVideo.load(path), DECODE).to(folder / "frames.parquet")


def test_frames_of_img1_become_a_video_with_the_same_pixels_and_the_rate_of_seqinfo(
    folder: Path, tmp_path: Path
) -> None:
    (film,) = find_films(folder)
    path = make_video_file(film, tmp_path)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    assert packets == [file.read_bytes() for file in sorted((folder / "one" / "img1").iterdir())]
    frames = decode_film(path, tmp_path)
    np.testing.assert_allclose(frames.pts_s, np.arange(FRAMES) / 25, atol=1e-3)


def test_the_film_is_cut_where_the_truth_ends(folder: Path, tmp_path: Path) -> None:
    (film,) = find_films(folder)
    frames = decode_film(make_video_file(film, tmp_path), tmp_path)
    cut = cut_frames(frames, 5, tmp_path / "cut.parquet")
    assert (len(cut), cut.decode_report.kept) == (5, 5)
    np.testing.assert_array_equal(cut.image(4), frames.image(4))


def test_a_film_elsewhere_is_named_and_two_films_in_a_folder_are_refused(folder: Path) -> None:
    elsewhere = folder / "film.mp4"
    elsewhere.touch()
    assert find_films(folder, elsewhere)[0].source == elsewhere
    with pytest.raises(BadInput, match="--film must be the video file"):
        find_films(folder, folder / "nowhere.mp4")
    for name in ("a.mp4", "b.avi"):
        (folder / "one" / name).touch()
    with pytest.raises(BadInput, match=r"must hold one video file, got 2: a\.mp4, b\.avi"):
        find_films(folder)


def test_truth_without_a_film_is_no_film(tmp_path: Path) -> None:
    (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "gt.txt").write_text("1,1,2,3,4,5,1\n")
    with pytest.raises(BadInput, match="a video file or img1/, got none"):
        find_films(tmp_path)


def test_people_alone_are_scored_and_in_source_pixels() -> None:
    tracks = track_frames(make_detections(walk(range(5)), 5), make_params())
    people = tracks.class_name.copy()
    people[:] = "person"
    scaled = scale_people(tracks.__class__(**{**vars(tracks), "class_name": people}), 1280)
    np.testing.assert_array_equal(scaled.xyxy, 2 * tracks.xyxy)
    assert (scaled.width, scaled.height) == (1280, 960)
    assert len(scale_people(tracks, 1280)) == 0


@pytest.fixture
def sections(monkeypatch: pytest.MonkeyPatch) -> ParamSections:
    """Values of the suite, with a detector that finds the one person in every frame."""

    def see(*_: Any) -> Any:
        found = make_detections(walk(range(FRAMES)), FRAMES)
        return found.__class__(**{**vars(found), "class_name": np.full(len(found), "person", object)})

    monkeypatch.setattr(tracking_films, "detect", see)
    return ParamSections(
        {
            "compute": COMPUTE,
            "decode": DECODE,
            "detect": DetectParams.model_validate(VALUES["detect"]),
            "estimate_flow": EstimateFlowParams.model_validate(VALUES["estimate_flow"]),
            "track": make_params(),
        }
    )


def options(data: Path, *given: str) -> argparse.Namespace:
    return argparse.Namespace(**tracking.command.make_context("tracking", ["--data", str(data), *given]).params)


def test_one_run_scores_the_film(folder: Path, sections: ParamSections) -> None:
    scores = tracking.evaluate(options(folder), sections)
    assert scores.items["one"]["HOTA"] == pytest.approx(100)
    assert scores.combined["fps"] < scores.combined["association fps"]
    assert not scores.tables


def test_peers_are_compared_in_the_same_run_and_missing_packages_named(
    folder: Path, sections: ParamSections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "find_installed_peers", dict)
    monkeypatch.setattr(tracking, "weights_path", Path)
    monkeypatch.setattr(tracking, "track_film", lambda *given: (track_frames(given[-1], make_params()), FRAMES / 10))
    scores = tracking.evaluate(options(folder, "--peers"), sections)
    rows = {str(row["tracker"]): row for row in scores.tables["All films together"]}
    assert rows["ultralytics track, bytetrack"]["fps"] == pytest.approx(10)
    assert rows["ultralytics botsort, same detections"]["IDF1"] == pytest.approx(100)
    assert [row["package"] for row in scores.tables["Left out"]] == ["trackers", "boxmot"]


def test_ablations_are_the_same_run_with_one_part_changed(
    folder: Path, sections: ParamSections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alike(pictures: np.ndarray) -> np.ndarray:
        return np.ones((len(pictures), reid_crops.EMBEDDING_SIZE), np.float32)

    monkeypatch.setattr(reid_crops, "load_reid_network", lambda weights, device: alike)
    changed = ParamSections({**sections, "track": make_params(n_init=1, max_gap_s=0)})
    tables = tracking.evaluate(options(folder, "--ablations", "--set", "interpolate=true"), changed).tables
    rows = {str(row["tracker"]): row for row in tables["All films together"]}
    assert rows.keys() == {"this run", *FROM_DETECTIONS, *FROM_PICTURES}
    assert [row["HOTA"] for row in rows.values()] == pytest.approx([100] * len(rows))
    assert "Left out" not in tables
