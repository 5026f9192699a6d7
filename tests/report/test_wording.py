"""What the page says in words: sums add up, names and units say what they are of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from tasks.report import people_table
from tasks.report.camera_words import STILL_PX, median_camera_speed
from tasks.report.film_data.person_data import CURVES
from tasks.report.page_header import count_classes
from tasks.report.params import ReportParams
from tasks.report.person_motion import MIN_POSES, summarise_people
from tasks.report.report_data import ReportData
from tasks.report.sections import paths_section, track_table_section
from tasks.report.sections.paths_section import make_paths_section
from tasks.report.sections.pose_section import make_pose_section
from tests.report.figures import make_kinematics, make_poses

KINDS = ("person", "car", "bicycle", "bus", "dog")


def make_row(frame: int, track: int, class_id: int = 0) -> tuple[int, int, int, float, tuple[float, ...]]:
    """One box, detected."""
    return (frame, track, class_id, 0.9, (10.0, 10.0 * track, 40.0 + frame, 10.0 * track + 8))


def test_tracks_per_class_add_up_to_all_tracks(make_dossier: Callable[..., ReportData]) -> None:
    amounts = (4, 3, 2, 1, 1)
    classes = [kind for kind, amount in enumerate(amounts) for _ in range(amount)]
    data = make_dossier([make_row(0, track, kind) for track, kind in enumerate(classes, 1)], dict(enumerate(KINDS)))
    assert count_classes(data) == "4 person, 3 car, 2 bicycle and 2 more"
    assert count_classes(make_dossier([make_row(0, 1)])) == "1 person"


def test_a_table_of_paths_says_what_it_leaves_out(
    make_dossier: Callable[..., ReportData], params: ReportParams
) -> None:
    rows = [make_row(frame, track) for frame in range(4) for track in range(1, 6)]
    few = make_paths_section(make_dossier(rows, params=params.model_copy(update={"table_rows": 2})))
    assert few is not None and "The 2 longest paths are listed; 3 shorter ones left out." in few.body
    every = make_paths_section(make_dossier(rows, params=params.model_copy(update={"table_rows": 5})))
    assert every is not None and "left out" not in every.body


def test_joints_that_straighten_are_said_by_their_bend_everywhere(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    notes = {column: (unit, note) for column, _, unit, _, note in CURVES}
    for joint in ("knee", "hip", "elbow"):
        assert notes[f"{joint}_left"] == notes[f"{joint}_right"] == ("° bent", "0° is straight")
    assert notes["shoulder_left"] == ("°", "0° is hanging")
    data = make_dossier([make_row(frame, 1) for frame in range(12)])
    found = make_poses(data)
    section = make_pose_section(replace(data, poses=found, kinematics=make_kinematics(found)))
    assert section is not None
    text = read_page(section.body).text
    assert "from straight, which is 0°" in section.lead and "Bend of the knees, 0° is straight" in text
    assert "left knee bends by °" in text and "right knee bends by °" in text and "180" not in text


def test_speeds_and_paths_of_different_tables_have_different_names() -> None:
    tables = (people_table.HEADINGS, paths_section.HEADINGS, track_table_section.HEADINGS)
    names = [name for table in tables for name, _ in table if name.endswith(("px", "px/s", " H", "H/s"))]
    assert len(set(names)) == len(names)
    assert not {"speed H/s", "speed px/s", "path px"} & set(names)


def test_the_page_says_what_a_moving_camera_does_to_speeds(make_dossier: Callable[..., ReportData]) -> None:
    rows = [make_row(frame, 1) for frame in range(12)]
    said: dict[str, tuple[str, str]] = {}
    for name, motion in (("still", (0.0, 0.0)), ("slow", (0.3, 0.0)), ("moving", (4.0, 3.0))):
        data = make_dossier(rows, motions=[motion] * 11)
        found = make_poses(data)
        poses = make_pose_section(replace(data, poses=found, kinematics=make_kinematics(found)))
        paths = make_paths_section(data)
        assert poses is not None and paths is not None
        said[name] = poses.lead, paths.lead
        assert (median_camera_speed(data.dense_flow, 0, 12) > STILL_PX) == (name == "moving")
    assert "5.0 px per frame" in said["moving"][0] and "seems to stand" in said["moving"][0]
    assert "5.0 px per frame" in said["moving"][1] and "errors add" in said["moving"][1]
    assert "camera" not in said["still"][0] and "stands still" in said["still"][1]
    assert "camera" not in said["slow"][0] and "moves little, if at all: by 0.3" in said["slow"][1]


def test_a_person_with_few_poses_has_dashes_for_angles_and_speeds(make_dossier: Callable[..., ReportData]) -> None:
    count = MIN_POSES
    data = make_dossier([make_row(frame, 1) for frame in range(count)], status=["ok"] * count)
    for away in ((), (0,)):
        found = make_poses(data, away=away)
        kinematics = make_kinematics(found)
        kinematics.travel[:] = 1
        (person,) = summarise_people(kinematics, data.tracks, data.frames.ok)
        known = [math.isfinite(value) for value in (person.knee_left, person.knee_right, person.travel)]
        assert known == [not away] * 3, f"{len(person.rows)} poses"
    section = make_pose_section(replace(data, poses=found, kinematics=kinematics))
    assert section is not None and "<figure" not in section.body, "no chart of so few"
    assert section.lead.startswith("1 track of a person") and f"from {MIN_POSES} poses on" in section.lead


def test_seconds_of_a_track_are_the_same_in_all_tables(
    make_dossier: Callable[..., ReportData], read_page: Callable
) -> None:
    data = make_dossier([make_row(frame, 1) for frame in (0, 1, 2, 3, 6, 7)])
    (summary,) = data.track_summaries
    paths = make_paths_section(data)
    assert paths is not None
    words = read_page(paths.body).words
    assert summary.present_s < summary.last_s - summary.first_s, "a gap"
    assert words[words.index("person") + 1] == f"{summary.present_s:.2f}"
