"""The presets sort and ocsort against the package `trackers`, on the same detections.

They differ from it by the choices of reference_trackers.py and by nothing else: with these choices the package gives
the identities of the presets, and without any one of them others.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from flows.evaluate.motchallenge import find_sequences
from tasks.artifacts.detections import Detections
from tests.evaluate.preset_scenes import Identities, make_throng, preset_identities

ANSWERS = Path(__file__).with_name("reference_identities.json")
"""Of the package with our choices, on make_throng(); written by `python -m tests.evaluate.reference_trackers`."""
NOT_SHOWN = {"sort": 2, "ocsort": 1}
"""Detections at the start of a track that the package keeps to itself."""
NAMES = tuple(NOT_SHOWN)


def shown_identities(name: str, detections: Detections) -> Identities:
    return {track[NOT_SHOWN[name] :] for track in preset_identities(name, detections)}


@pytest.fixture
def reference() -> ModuleType:
    pytest.importorskip("trackers", reason="the package trackers is not installed: pip install -e '.[peers]'")
    from tests.evaluate import reference_trackers

    return reference_trackers


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_recorded_identities_of_the_package_with_our_choices(name: str) -> None:
    recorded = {tuple(rows) for rows in json.loads(ANSWERS.read_text(encoding="utf-8"))[name]}
    assert len(recorded) > 20
    assert shown_identities(name, make_throng()) == recorded


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_identities_are_those_of_the_package(name: str, reference: ModuleType) -> None:
    run, choices = reference.RUNNERS[name]
    recorded = {tuple(rows) for rows in json.loads(ANSWERS.read_text(encoding="utf-8"))[name]}
    assert run(make_throng(), set(choices)) == recorded


@pytest.mark.parametrize("name", NAMES)
def test_each_choice_changes_identities(name: str, reference: ModuleType) -> None:
    run, choices = reference.RUNNERS[name]
    ours = shown_identities(name, make_throng())
    without_effect = [choice for choice in choices if run(make_throng(), set(choices) - {choice}) == ours]
    assert not without_effect


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_identities_of_the_package_with_our_choices_on_every_sequence(
    ground_truth: Path, name: str, reference: ModuleType
) -> None:
    run, choices = reference.RUNNERS[name]
    for sequence in find_sequences(ground_truth / "mot"):
        detections = sequence.detections()
        assert shown_identities(name, detections) == run(detections, set(choices)), sequence.name
