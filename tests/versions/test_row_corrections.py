"""A row of tracks, and of what is made of them, names the corrections that are behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import semflow
from flows.cli import main
from tasks.artifacts.corrections import Correction, Corrections, Segment
from tasks.artifacts.frames import Frames
from tasks.artifacts.frames_file import Frame
from tasks.artifacts.tracks import Tracks
from tasks.content_hash import md5_file
from tasks.track.apply_corrections import Film, apply_corrections
from tests.factories.frames import make_decode_report
from tests.reading.conftest import HEIGHT, TIMES, WIDTH, git, save
from tests.versions.conftest import PARAMS, make_tracks, record_version, write_video

SCALE = 2  # the film is twice as large as the images
BEFORE = {1: (0, 39, 0), 2: (0, 39, 12)}


def segment(was: int, first: int, last: int, left: float) -> Segment:
    """A segment of `make_tracks`' identities, whose boxes are 6 pixels wide and 9 high."""
    frames = [*range(first, last, 10), last]
    return Segment(was, np.array([[n, left * SCALE, 0, (left + 6) * SCALE, 9 * SCALE] for n in frames], np.float64))


def write_corrections(root: Path, base: str) -> list[Correction]:
    """Two people exchanged from frame 20 on, a box moved, one drawn; in two commits."""
    identities = [
        Correction("identity", base, 1, segments=(segment(1, 0, 19, 0), segment(2, 20, 39, 12))),
        Correction("identity", base, 2, segments=(segment(2, 0, 19, 12), segment(1, 20, 39, 0))),
    ]
    moved = Correction("move", base, boxes=np.array([[5.0, 0, 0, 12, 18, 1, 0, 13, 18]]))
    drawn = Correction("add", base, 0, "dog", near=np.zeros((0, 5)), boxes=np.array([[30.0, 40, 0, 60, 18]]))
    path = Corrections.path(root, "steady")
    path.parent.mkdir(parents=True, exist_ok=True)
    for made, message in ((identities, "exchanged people"), ([*identities, moved, drawn], "a box, a dog")):
        path.write_text(Corrections(WIDTH * SCALE, HEIGHT * SCALE, tuple(made)).to_json())
        git(root, "add", "-A")
        git(root, "commit", "-qm", message)
    return [*identities, moved, drawn]


def correct(root: Path, film_frame: Any = None) -> None:
    """Tracks as `track` makes them of those of v1 with the corrections, recorded as v3."""
    before = make_tracks("steady", BEFORE)
    count = len(TIMES["steady"])
    film = Film(np.arange(count) if film_frame is None else film_frame, TIMES["steady"], {"person": 0})
    after = apply_corrections(before, Corrections.load(Corrections.path(root, "steady")), film)
    assert not after.notes
    write_video(root, "steady", replace(after, video="steady"))
    record_version(root, "v3", ["steady", "uneven"], PARAMS)


@pytest.fixture
def corrected(versions: Path) -> Path:
    """The project at v3, with corrections of the tracks that v1 recorded."""
    write_video(versions, "steady", make_tracks("steady", BEFORE))
    write_corrections(versions, md5_file(Tracks.path(versions, "steady")))
    correct(versions)
    return versions


@pytest.mark.parametrize("rev", [None, "v3"])
def test_each_row_names_its_corrections_with_their_export_and_author(corrected: Path, rev: str | None) -> None:
    def kinds(**choice: int) -> list[tuple[str, int]]:
        return [
            (one.kind, one.place)
            for one in semflow.open(corrected, rev=rev).trace("tracks", "steady", **choice).corrections
        ]

    assert kinds(frame=0, track=1) == kinds(frame=25, track=1) == [("identity", 1)]
    assert kinds(frame=25, track=2) == [("identity", 2)]
    assert kinds(frame=5, track=1) == [("identity", 1), ("move", 3)]
    assert kinds(frame=30, track=3) == [("add", 4)]
    moved = semflow.open(corrected, rev=rev).trace("tracks", "steady", frame=5, track=1).corrections[1]
    assert moved.file == "data/corrections/steady.json" and moved.frames == (5, 5)
    assert moved.exported is not None and moved.exported.subject == "v1"
    assert moved.written is not None and (moved.written.subject, moved.written.author) == ("a box, a dog", "a")
    identity = semflow.open(corrected, rev=rev).trace("tracks", "steady", frame=5, track=1).corrections[0]
    assert identity.written is not None and identity.written.subject == "exchanged people"


def test_rows_that_nobody_corrected_and_versions_before_name_none(corrected: Path) -> None:
    ds = semflow.open(corrected, rev="v1")
    assert ds.trace("tracks", "steady", frame=25, track=1).corrections == ()
    one_film = semflow.open(corrected).trace("tracks", "uneven", row=0)
    assert one_film.corrections == () and one_film.notes == ()
    lineage = semflow.open(corrected, rev="v2").trace("tracks", "steady", row=0).lineage
    assert lineage.steps[-1].inputs["corrections"] == "nothing"


def test_the_step_names_the_file_and_the_commit_that_wrote_it(
    corrected: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(corrected)
    command = ["trace", "tracks", "steady", "--frame", "5", "--track", "1"]
    assert main.main(command) == 0
    text = capsys.readouterr().out
    assert "reads       corrections: data/corrections/steady.json, 20" in text
    assert "of tracks is corrected: identity 1, frames 0 to 39 of the film" in text
    assert "by        data/corrections/steady.json, correction 3; 20" in text and "a: a box, a dog" in text
    assert max(len(line) for line in text.splitlines()) <= 140
    assert main.main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in found["corrections"]] == ["identity", "move"]
    assert found["steps"][-1]["user_files"]["corrections"]["commit"]["subject"] == "a box, a dog"


def test_a_file_changed_since_the_run_is_found_in_the_history(corrected: Path) -> None:
    path = Corrections.path(corrected, "steady")
    path.write_text(Corrections(WIDTH, HEIGHT).to_json())
    found = semflow.open(corrected).trace("tracks", "steady", frame=30, track=3)
    assert [one.kind for one in found.corrections] == ["add"]


def test_frames_of_the_film_are_those_of_its_frames_artifact(versions: Path) -> None:
    """Of a film with a lost frame the images are numbered without it."""
    rows = [
        Frame(n, float(pts), "lost" if n == 2 else "ok", None if n == 2 else np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        for n, pts in enumerate(TIMES["steady"])
    ]
    report = replace(make_decode_report((HEIGHT, WIDTH), len(rows), encoding="raw"), lost=1, decoded=39)
    write_video(versions, "steady", make_tracks("steady", BEFORE))
    base = md5_file(Tracks.path(versions, "steady"))
    path = Corrections.path(versions, "steady")
    path.parent.mkdir(parents=True, exist_ok=True)
    moved = Correction("move", base, boxes=np.array([[5.0, 0, 0, 12, 18, 1, 0, 13, 18]]))
    path.write_text(Corrections(WIDTH * SCALE, HEIGHT * SCALE, (moved,)).to_json())
    film_frame = np.arange(len(rows)) - (np.arange(len(rows)) >= 2)
    after = apply_corrections(
        make_tracks("steady", BEFORE), Corrections.load(path), Film(film_frame, TIMES["steady"], {"person": 0})
    )
    write_video(versions, "steady", replace(after, video="steady"))
    save(versions, "steady", Frames, Frames.stream(rows, lambda: report, "raw", video="steady").save)
    record_version(versions, "v3", ["steady", "uneven"], PARAMS)
    ds = semflow.open(versions)
    assert [one.kind for one in ds.trace("tracks", "steady", frame=6, track=1).corrections] == ["move"]
    assert ds.trace("tracks", "steady", frame=5, track=1).corrections == ()
    then = semflow.open(versions, rev="v3").trace("tracks", "steady", frame=6, track=1)
    assert then.corrections == () and "must be looked up by frames of the film" in then.notes[0]
