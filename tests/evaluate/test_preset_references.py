"""Presets against the trackers they are named after, on the same detections."""

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
from tasks.track.frame_times import regular_times
from tasks.track.online_tracking import form_tracklets
from tasks.track.params import TrackParams
from tasks.track.tracker_presets import PRESETS, WITHOUT_VISUAL_CUES
from tests.track.scenes import make_detections, make_params

MIN_EQUAL_SHARE = 0.85
Identities = set[tuple[int, ...]]


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


def preset_identities(name: str, detections: Detections) -> Identities:
    """The same of the preset, without the first detection of a track: ultralytics gives a track out once confirmed."""
    params = make_params(**{**PRESETS[name], **WITHOUT_VISUAL_CUES})
    tracklets, _ = form_tracklets(detections, regular_times(detections.frame_count), params)
    rows = [tracklets.detection[a : b + 1].tolist() for a, b in zip(tracklets.first, tracklets.last, strict=True)]
    return {tuple(track if detections.frame[track[0]] == 0 else track[1:]) for track in rows}


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


def make_crowd(seed: int) -> Detections:
    """Fifteen people who cross, are missed for a while, and are seen with changing scores."""
    random = np.random.default_rng(seed)
    rows: list[tuple[int, tuple[float, float, float, float], float, int]] = []
    for _ in range(15):
        (x, y), speed = random.uniform(0, 400, 2), random.normal(0, 4, 2)
        hidden = random.integers(10, 80)
        for frame in range(int(random.integers(0, 40)), 100):
            if hidden <= frame < hidden + 20 or random.uniform() < 0.1:
                continue
            left, top = np.array([x, y]) + frame * speed + random.normal(0, 1.5, 2)
            width, height = 30 + random.normal(0, 1), 80 + random.normal(0, 2)
            box = (float(left), float(top), float(left + width), float(top + height))
            rows.append((frame, box, float(random.uniform(0.11, 1)), 0))
    return make_detections(sorted(rows, key=lambda row: (row[0], -row[2])), 100)


NAMES = ("bytetrack", "botsort")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_preset_gives_the_identities_of_ultralytics_in_a_crowd(name: str, seed: int) -> None:
    crowd = make_crowd(seed)
    expected = reference_identities(name, crowd)
    assert len(expected) > 10
    assert preset_identities(name, crowd) == expected


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sequence", ["KITTI-17", "TUD-Campus"])
def test_a_preset_gives_the_identities_of_ultralytics_on_short_sequences(
    ground_truth: Path, name: str, sequence: str
) -> None:
    (found,) = find_sequences(ground_truth / "mot" / "mot15" / sequence)
    detections = found.detections()
    assert preset_identities(name, detections) == reference_identities(name, detections)


def test_the_filter_with_an_aspect_ratio_is_what_makes_bytetrack_its_reference(ground_truth: Path) -> None:
    (sequence,) = find_sequences(ground_truth / "mot" / "mot15" / "TUD-Campus")
    detections = sequence.detections()
    assert preset_identities("bytetrack", detections) != preset_identities("botsort", detections)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_identities_of_ultralytics_on_every_sequence_but_for_revived_tracks(
    ground_truth: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for sequence in find_sequences(ground_truth / "mot"):
        detections = sequence.detections()
        expected = reference_identities(name, detections)
        assert len(preset_identities(name, detections) & expected) / len(expected) > MIN_EQUAL_SHARE, sequence.name
        with monkeypatch.context() as patch:
            end_revived_tracks(patch)
            assert preset_identities(name, detections) == expected, sequence.name
