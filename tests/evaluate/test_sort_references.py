"""The presets sort, ocsort and deepsort against the packages `trackers` and `deep-sort-realtime`, same detections.

They differ by the choices of reference_choices.py and by nothing else: with these choices the packages give the
identities of the presets, and without any one of them others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pytest

from flows.evaluate.motchallenge import find_sequences
from tasks.artifacts.detections import Detections
from tests.evaluate.preset_scenes import Identities, make_throng, make_throng_embeddings, preset_identities
from tests.evaluate.reference_choices import CHOICES

ANSWERS = Path(__file__).with_name("reference_identities.json")
"""Of the packages with our choices, on make_throng(); written by `python -m tests.evaluate.reference_trackers`."""
NOT_SHOWN = {"sort": 2, "ocsort": 1, "deepsort": 2}
"""Detections at the start of a track that the reference keeps to itself."""
NAMES = tuple(NOT_SHOWN)


def shown_identities(name: str, detections: Detections, embeddings: np.ndarray | None = None) -> Identities:
    return {track[NOT_SHOWN[name] :] for track in preset_identities(name, detections, embeddings)}


def throng_identities(name: str) -> Identities:
    return shown_identities(name, make_throng(), make_throng_embeddings() if name == "deepsort" else None)


def read_answers(name: str) -> Identities:
    return {tuple(rows) for rows in json.loads(ANSWERS.read_text(encoding="utf-8"))[name]}


@pytest.fixture
def run_reference(name: str) -> Callable[[Collection[str]], Identities]:
    """The reference on make_throng() with some choices."""
    if name == "deepsort":
        pytest.importorskip("deep_sort_realtime", reason="the package deep-sort-realtime is not installed")
        from tests.evaluate.reference_deepsort import run_deepsort

        return lambda choices: run_deepsort(make_throng(), make_throng_embeddings(), choices)
    pytest.importorskip("trackers", reason="the package trackers is not installed: pip install -e '.[peers]'")
    from tests.evaluate.reference_trackers import RUNNERS

    return lambda choices: RUNNERS[name](make_throng(), choices)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_gives_the_recorded_identities_of_its_reference_with_our_choices(name: str) -> None:
    recorded = read_answers(name)
    assert len(recorded) > 20
    assert throng_identities(name) == recorded


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_identities_are_those_of_the_package(
    name: str, run_reference: Callable[[Collection[str]], Identities]
) -> None:
    assert run_reference(set(CHOICES[name])) == read_answers(name)


@pytest.mark.parametrize("name", NAMES)
def test_each_choice_changes_identities(name: str, run_reference: Callable[[Collection[str]], Identities]) -> None:
    ours, choices = throng_identities(name), set(CHOICES[name])
    without_effect = [choice for choice in choices if run_reference(choices - {choice}) == ours]
    assert not without_effect


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sort", "ocsort"])
def test_a_preset_gives_the_identities_of_the_package_with_our_choices_on_every_sequence(
    ground_truth: Path, name: str
) -> None:
    pytest.importorskip("trackers", reason="the package trackers is not installed: pip install -e '.[peers]'")
    from tests.evaluate.reference_trackers import RUNNERS

    for sequence in find_sequences(ground_truth / "mot"):
        detections = sequence.detections()
        assert shown_identities(name, detections) == RUNNERS[name](detections, set(CHOICES[name])), sequence.name
