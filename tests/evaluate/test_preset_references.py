"""The presets bytetrack and botsort against those of ultralytics, on the same detections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.evaluate.motchallenge import find_sequences
from flows.evaluate.ultralytics_trackers import make_stepper
from tasks.artifacts.detections import Detections
from tasks.track import online_tracking
from tasks.track.active_tracks import ActiveTracks
from tasks.track.byte_life_cycle import LATE_REMOVAL
from tasks.track.params import TrackParams
from tests.evaluate.preset_scenes import Identities, make_crowd, preset_identities

MIN_EQUAL_SHARE = 0.85


def reference_identities(name: str, detections: Detections) -> Identities:
    """Rows of the detections of each track that ultralytics gives out."""
    step = make_stepper(name, detections.height, detections.width)
    bounds = np.searchsorted(detections.frame, np.arange(detections.frame_count + 1))
    found: dict[int, list[int]] = {}
    for frame in range(detections.frame_count):
        rows = step(detections.take(np.arange(*bounds[frame : frame + 2])))
        for track, index in rows[:, [4, 7]].astype(int).tolist():
            found.setdefault(track, []).append(int(bounds[frame]) + index)
    return {tuple(rows) for rows in found.values()}


def confirmed_identities(name: str, detections: Detections) -> Identities:
    """The same of the preset, without the first detection of a track: ultralytics gives a track out once confirmed."""
    tracks = preset_identities(name, detections)
    return {track if detections.frame[track[0]] == 0 else track[1:] for track in tracks}


def end_revived_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one difference from ultralytics: it drops a track that was matched in the one frame between its end and its
    removal at its next missed frame, since its number stays in the list of removed ones; ours goes on like any other.
    """
    last_seen: dict[int, int] = {}
    revived: set[int] = set()
    associate, survive = online_tracking.predict_and_associate, online_tracking.find_survivors

    def predict_and_associate(active: ActiveTracks, *rest: Any) -> Any:
        last_seen.clear()
        last_seen.update(zip(active.number.tolist(), active.last_frame.tolist(), strict=True))
        return associate(active, *rest)

    def find_survivors(active: ActiveTracks, frame: int, max_gap: int, params: TrackParams) -> np.ndarray:
        for number in active.number[active.last_frame == frame].tolist():
            if frame - last_seen.get(number, frame) > max_gap + LATE_REMOVAL:
                revived.add(number)
        is_missed = active.last_frame < frame
        return survive(active, frame, max_gap, params) & ~(np.isin(active.number, list(revived)) & is_missed)

    monkeypatch.setattr(online_tracking, "predict_and_associate", predict_and_associate)
    monkeypatch.setattr(online_tracking, "find_survivors", find_survivors)


NAMES = ("bytetrack", "botsort")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_preset_gives_the_identities_of_ultralytics_in_a_crowd(name: str, seed: int) -> None:
    crowd = make_crowd(seed)
    expected = reference_identities(name, crowd)
    assert len(expected) > 10
    assert confirmed_identities(name, crowd) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sequence", ["KITTI-17", "TUD-Campus"])
def test_a_preset_gives_the_identities_of_ultralytics_on_short_sequences(
    ground_truth: Path, name: str, sequence: str
) -> None:
    (found,) = find_sequences(ground_truth / "mot" / "mot15" / sequence)
    detections = found.detections()
    assert confirmed_identities(name, detections) == reference_identities(name, detections)


def test_the_filter_with_an_aspect_ratio_is_what_makes_bytetrack_its_reference(ground_truth: Path) -> None:
    (sequence,) = find_sequences(ground_truth / "mot" / "mot15" / "TUD-Campus")
    detections = sequence.detections()
    assert confirmed_identities("bytetrack", detections) != confirmed_identities("botsort", detections)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_identities_of_ultralytics_on_every_sequence_but_for_revived_tracks(
    ground_truth: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for sequence in find_sequences(ground_truth / "mot"):
        detections = sequence.detections()
        expected = reference_identities(name, detections)
        assert len(confirmed_identities(name, detections) & expected) / len(expected) > MIN_EQUAL_SHARE, sequence.name
        with monkeypatch.context() as patch:
            end_revived_tracks(patch)
            assert confirmed_identities(name, detections) == expected, sequence.name
