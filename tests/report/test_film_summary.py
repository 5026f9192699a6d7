"""The film in sentences: who, what, and what is unsure, all from the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tasks.artifacts.table import NULL
from tasks.report.film_summary import summarise_film
from tasks.report.report_data import ReportData
from tasks.report.sections.actions_section import make_actions_section
from tests.report.action_tables import make_actions

FRAMES = 50  # two seconds


def make_rows(track: int, class_id: int, frames: range) -> list[tuple]:
    return [(f, track, class_id, 0.9, (10.0 * track, 10.0, 10.0 * track + 8, 40.0)) for f in frames]


def test_people_are_counted_and_the_brief_ones_apart(make_dossier: Callable[..., ReportData]) -> None:
    rows = make_rows(1, 0, range(50)) + make_rows(2, 0, range(20, 50)) + make_rows(3, 0, range(5))
    rows += make_rows(4, 2, range(50)) + make_rows(5, 2, range(50)) + make_rows(6, 1, range(3))
    said = summarise_film(make_dossier(rows, status=["ok"] * FRAMES))
    assert said.startswith(
        "2.0 s of film with 2 people (1 person more for less than 0.5 s), at most 2 at once; also, for 0.5 s or more, "
        "2 \u00d7 car."
    )


def test_tracks_that_follow_each_other_may_be_one_person(make_dossier: Callable[..., ReportData]) -> None:
    rows = make_rows(1, 0, range(25)) + make_rows(2, 0, range(30, 50))
    said = summarise_film(make_dossier(rows, status=["ok"] * FRAMES))
    assert said.startswith(
        "2.0 s of film with up to 2 people (who is lost and found again counts twice), at most 1 at once."
    )


def test_a_film_of_nobody_says_so(make_dossier: Callable[..., ReportData]) -> None:
    assert summarise_film(make_dossier(status=["ok"] * FRAMES)).startswith("2.0 s of film; nobody was found in it.")
    cars = make_dossier(make_rows(1, 2, range(50)), status=["ok"] * FRAMES)
    assert summarise_film(cars).startswith("2.0 s of film with 1 \u00d7 car and nobody in it.")


def test_confident_actions_are_named_by_person_and_overlapping_windows_count_once(
    make_dossier: Callable[..., ReportData],
) -> None:
    data = make_dossier(make_rows(1, 0, range(50)) + make_rows(2, 0, range(50)), status=["ok"] * FRAMES)
    actions = make_actions(
        [
            (0, 25, "rgb", NULL, 1, "dancing", 0.3),
            (0, 25, "flow", 1, 1, "walk", 0.9),
            (0, 25, "flow", 2, 1, "run", 0.4),
            (10, 40, "flow", 1, 1, "walk", 0.8),
        ],
        frame_count=FRAMES,
    )
    said = summarise_film(replace(data, actions=actions))
    assert "By motion, nearest of 10 pretrained motions: person 1: walk (about 1.6 s)." in said
    assert "Recognised" not in said
    learned = replace(actions, vocabulary=np.where(actions.stream == "flow", "team", actions.vocabulary))
    own = summarise_film(replace(data, actions=learned))
    assert "Recognised with confidence: person 1: walk (about 1.6 s)." in own and "nearest" not in own
    assert "Unsure: 2 of 4 names of actions" in said and "run" not in said and "dancing" not in said
    nothing = replace(actions, confident=actions.confident & False)
    assert "No action was recognised with confidence. Unsure: 4 of 4" in summarise_film(replace(data, actions=nothing))


def test_windows_unlike_all_that_was_learned_are_a_doubt(make_dossier: Callable[..., ReportData]) -> None:
    data = make_dossier(make_rows(1, 0, range(50)), status=["ok"] * FRAMES)
    rows = [(0, 25, "fused", 1, 1, "jeté", 0.9), (25, 45, "fused", 1, 1, "jeté", 0.8)]
    actions = make_actions(rows, frame_count=FRAMES, novelty=np.array([0.2, 1.0]), unfamiliar_from=0.95)
    said = summarise_film(replace(data, actions=actions))
    assert "Unsure: 1 window looks like nothing that was learned" in said
    section = make_actions_section(replace(data, actions=actions))
    assert section is not None and section.body.count(' strange"') == 1
    assert section.body.count("; looks like nothing that was learned") == 1


def test_damage_and_a_moving_camera_are_doubts(make_dossier: Callable[..., ReportData]) -> None:
    hurt = make_dossier(make_rows(1, 0, range(12)), status=["ok"] * 10 + ["damaged", "lost"])
    assert "Unsure: whatever happens in 2 damaged or lost frames" in summarise_film(hurt)
    moving = make_dossier(make_rows(1, 0, range(12)), motions=[(4.0, 3.0)] * 11)
    assert summarise_film(moving).endswith("Unsure: speeds and distances, since the camera moves.")
