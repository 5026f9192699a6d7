"""Regions by the names that the page gives them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.report.named_regions import NO_TRACK, DetectionTracks, compare_with_tracker, list_region_matches
from tasks.report.report_data import ReportData

BOX = (10.0, 20.0, 40.0, 80.0)
TWO_PEOPLE = [(f, track, 0, 0.9, BOX) for f in range(6) for track in (3, 5)]
"""Detections 0 and 1 in frame 0, 2 and 3 in frame 1, ...: the even ones are person 3, the odd ones person 5."""


@pytest.fixture
def dossier(make_dossier: Callable[..., ReportData]) -> ReportData:
    ties = [(0, 9, 0.7), (1, 8, 0.98), (2, 10, 0.6), (5, 10, 0.9)]
    return make_dossier(TWO_PEOPLE, ties=ties)


def test_a_person_in_one_frame_is_another_in_a_later_one(dossier: ReportData) -> None:
    track_of = DetectionTracks.from_tracks(dossier.tracks, len(dossier.detections))
    rows = np.flatnonzero(dossier.matches.frame_b == 4)
    found = list_region_matches(dossier.matches, rows, track_of)
    assert [(s.a.name, s.b.name, round(s.cosine, 2)) for s in found] == [
        ("person 5", "person 3", 0.98),
        ("person 3", "person 5", 0.7),
    ]
    assert all((s.frame_a, s.frame_b, s.mutual) == (0, 4, True) for s in found)
    assert found[0].a.xyxy.tolist() == list(BOX)


def test_a_detection_that_no_track_took_keeps_its_class(dossier: ReportData) -> None:
    track_of = DetectionTracks.from_tracks(dossier.tracks, len(dossier.detections))
    track_of.ids[[0, 9]] = NO_TRACK
    (found,) = list_region_matches(dossier.matches, np.array([0]), track_of)
    assert found.a.name == found.b.name == "person, in no track"
    assert compare_with_tracker(dossier.matches, np.arange(1), track_of).tracked == 0


def test_the_tracker_is_asked_once_for_each_two_of_its_tracks(dossier: ReportData) -> None:
    track_of = DetectionTracks.from_tracks(dossier.tracks, len(dossier.detections))
    says = compare_with_tracker(dossier.matches, np.arange(len(dossier.matches)), track_of)
    assert (says.tracked, says.in_one_track) == (4, 1)
    assert dossier.matches.cosine[says.split_rows].round(2).tolist() == pytest.approx([0.98, 0.7])
    names = [
        (s.a.name, s.b.name, round(s.cosine, 2))
        for s in list_region_matches(dossier.matches, says.split_rows, track_of)
    ]
    assert names == [("person 5", "person 3", 0.98), ("person 3", "person 5", 0.7)]


def test_without_matches_there_is_nothing_to_judge(make_dossier: Callable[..., ReportData]) -> None:
    dossier = make_dossier()
    says = compare_with_tracker(dossier.matches, np.arange(0), DetectionTracks.from_tracks(dossier.tracks, 0))
    assert (says.tracked, says.in_one_track, len(says.split_rows)) == (0, 0, 0)
    assert list_region_matches(dossier.matches, says.split_rows, DetectionTracks.from_tracks(dossier.tracks, 0)) == []
