"""The suite of shots: how films are joined, what counts as found, and what it says of easy clips."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from flows.evaluate.shot_boundaries import (
    JoinedFilm,
    Picture,
    evaluate,
    join_by_dissolve,
    join_by_fade,
    list_peer_scores,
    pool_scores,
    score_film,
)
from flows.evaluate.shot_peers import DETECTORS, find_shot_peers
from tasks.artifacts.shots import Transition
from tasks.errors import BadInput
from tasks.find_shots.params import FindShotsParams
from tasks.params import ParamSections
from tests.evaluate.test_flow import PARAMS
from tests.find_shots.test_transitions import make_scene


def make_clip(level: int, frames: int = 40) -> list[Picture]:
    return [Picture(np.full((9, 16, 3), level, np.uint8), (level, n)) for n in range(frames)]


def test_a_dissolve_goes_evenly_from_one_clip_to_the_other() -> None:
    film = join_by_dissolve(make_clip(0), make_clip(120), 11)
    levels = [int(one.image.mean()) for one in film.pictures]
    assert film.truth == (29, 39)
    assert levels[28:41] == list(range(0, 130, 10)) and len(levels) == 69


def test_a_fade_ends_in_black_and_comes_out_of_it() -> None:
    film = join_by_fade(make_clip(70), make_clip(140), 12)
    levels = [int(one.image.mean()) for one in film.pictures]
    assert film.truth == (34, 46) and levels[40] == 0
    assert levels[33:41] == [70, 60, 50, 40, 30, 20, 10, 0] and levels[46:48] == [120, 140]


def test_a_boundary_elsewhere_is_false_and_one_of_another_kind_is_found() -> None:
    film = join_by_dissolve(make_clip(0), make_clip(120), 11)
    found = [Transition("cut", 10, 9, 10, 1.0), Transition("cut", 33, 32, 33, 1.0)]
    row = score_film(film, found, "dissolve")
    assert pool_scores([row]) == {"films": 1, "false": 1, "recall": 1, "named": 0, "off": 1.5}
    assert pool_scores([score_film(film, [], "dissolve")]) == {"films": 1, "false": 0, "recall": 0}


def test_slow_pans_are_told_apart_from_all_transitions(tmp_path: Path) -> None:
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        for number, image in enumerate(make_scene(seed, 42)):
            whole = cv2.resize(np.rint(image).astype(np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC)
            grain = np.random.default_rng(number).integers(-4, 5, whole.shape)
            cv2.imwrite(str(tmp_path / str(seed) / f"{number:03}.png"), np.clip(whole + grain, 0, 255).astype(np.uint8))
    sections = {"find_shots": FindShotsParams(fades=True, max_dissolve_s=2.0)}
    names = ("estimate_flow", "compute")
    params = ParamSections({**{name: PARAMS[name] for name in names}, **sections})
    scores = evaluate(argparse.Namespace(data=tmp_path, peers=False), params)
    assert scores.combined["false"] == 0
    recall = {name: row.get("recall") for name, row in scores.items.items()}
    del recall["dissolve, 1 s"]  # of these soft colours flow explains a slow mixture as it explains a pan
    assert recall == {
        "cut": 1, "fade, 0.5 s": 1, "fade, 1 s": 1, "dissolve, 0.5 s": 1,
        "one shot": None, "one shot, double speed": None, "one shot, flash": None, "one shot, lights dim": None,
    }  # fmt: skip


def test_too_few_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="three clips of 40 frames"):
        evaluate(argparse.Namespace(data=tmp_path, peers=False), PARAMS)


def test_detectors_of_another_package_get_each_frame_and_their_boundaries_are_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenedetect.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(tmp_path))
    peers = find_shot_peers()
    assert [*peers] == [f"{name} 9.9" for name in DETECTORS]
    film = [one.image for one in [*make_clip(0), *make_clip(90)]]
    assert [[one.frame for one in detect(film, 25.0)] for detect in peers.values()] == [[40, 79]] * 4
    joined = JoinedFilm([*make_clip(0), *make_clip(90)], (39, 40))
    row = score_film(joined, peers["ContentDetector 9.9"](film, 25.0), "cut")
    assert list_peer_scores({"other": {"cut": [row], "one shot": [row | {"true": 0}]}}) == [
        {"detector": "other", "cut": "1 of 1", "one shot": "1 false", "false in all": 2}
    ]


def test_without_the_package_peers_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(BadInput, match="--peers must have the package scenedetect installed"):
        find_shot_peers()


PACKAGE = """
class FrameTimecode:
    def __init__(self, number, fps):
        self.frame_num = number

class Detector:
    def __init__(self):
        self.before = None

    def process_frame(self, timecode, frame):
        jump, self.before = self.before is not None and abs(int(frame.max()) - self.before) > 30, int(frame.max())
        return [timecode] if jump else []

    def post_process(self, timecode):
        return [timecode]

__version__ = "9.9"
ContentDetector = AdaptiveDetector = ThresholdDetector = HashDetector = Detector
"""
