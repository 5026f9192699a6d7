"""Other people's trackers: called frame by frame, their rows judged as ours are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from flows.evaluate import mot_peers
from flows.evaluate.mot_peers import build_tracks, find_peers, run_peer
from flows.evaluate.motchallenge import find_sequences, summarise_metrics
from tasks.artifacts.detections import Detections
from tasks.errors import BadInput
from tests.track.scenes import make_detections, walk


class Everyone:
    """A stand-in for a tracker of `trackers`: one object, seen whenever something is; unsure in its first frame."""

    def __init__(self, **changes: Any) -> None:
        self.frames = 0

    def update(self, boxes: Any) -> Any:
        self.frames += 1
        names = np.full(len(boxes.xyxy), 7 if self.frames > 1 else -1)
        return SimpleNamespace(tracker_id=names, xyxy=boxes.xyxy, confidence=boxes.confidence)


class Rows:
    """A stand-in for one of `boxmot`."""

    def update(self, rows: np.ndarray, image: np.ndarray) -> np.ndarray:
        assert image.shape[2] == 3
        if not len(rows):
            return np.empty((0, 8))
        return np.column_stack([rows[:, :4], np.full(len(rows), 3), rows[:, 4:6], np.arange(len(rows))])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    modules: dict[str, Any] = {}
    monkeypatch.setattr(mot_peers, "_import_optional", modules.get)
    return modules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, tail in (("gt/gt.txt", ",-1,-1,-1"), ("det/det.txt", "")):
        (tmp_path / "S" / name).parent.mkdir(parents=True)
        rows = [
            f"{f},{1 if tail else -1},{100 + f},100,40,100,{1 if tail else 0.5 + f / 100}{tail}\n"
            for f in range(1, 11)
            if f != 5
        ]
        (tmp_path / "S" / name).write_text("".join(rows))
    return tmp_path


def test_nobody_there_is_reported(installed: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"trackers or boxmot installed, got neither; pip install 'semflow\[peers\]'"):
        find_peers()


def test_each_package_is_called_its_own_way(installed: dict[str, Any], folder: Path) -> None:
    installed["trackers"] = SimpleNamespace(SORTTracker=Everyone, BoTSORTTracker=Everyone)
    installed["supervision"] = SimpleNamespace(Detections=SimpleNamespace)
    installed["boxmot"] = SimpleNamespace(ByteTrack=Rows)
    peers = find_peers()
    assert sorted(peers) == ["boxmot ByteTrack", "trackers BoTSORTTracker", "trackers SORTTracker"]
    sequence = find_sequences(folder)[0]
    figures = {name: summarise_metrics(run_peer(sequence, make)[0]) for name, make in peers.items()}
    assert figures["boxmot ByteTrack"]["MOTA"] == pytest.approx(100)
    assert figures["trackers SORTTracker"]["MOTA"] == pytest.approx(100 * 8 / 9)


def test_peers_get_scores_as_published(folder: Path) -> None:
    sequence = find_sequences(folder)[0]
    assert sequence.detections(as_published=True).score[0] == pytest.approx(0.51)
    assert sequence.detections().score[0] == pytest.approx(0.05)


def test_their_rows_become_tracks_in_order_of_appearance() -> None:
    seen: Detections = make_detections(walk(range(2)), 2)
    rows = [np.array([[40.0, 9, 9, 1, 1, 2.0]]), np.array([[2.0, 0, 0, 5, 5, 0.5], [40, 1, 1, 9, 9, 0.5]])]
    tracks = build_tracks(rows, seen)
    assert tracks.frame.tolist() == [0, 1, 1]
    assert tracks.track_id.tolist() == [1, 1, 2]
    assert tracks.xyxy[0].tolist() == [1, 1, 9, 9]
    assert tracks.score.tolist() == [1, 0.5, 0.5]
    assert len(build_tracks([np.empty((0, 6))] * 2, seen)) == 0
