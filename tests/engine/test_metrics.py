"""Metrics are made of recipes: sums over the videos, ratios of sums, and how the videos spread; DVC shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from flows.engine.declaration import declare_stages
from flows.engine.dvc_store.dvc_lock import FileHash, read_lock
from flows.engine.measures import MEASURED, PLOTTED, RATIOS, compute_ratios, measure_artifacts
from flows.engine.metrics_file import render_metrics, render_plots
from flows.engine.recipe import Recipe, parse_recipe
from flows.pipeline import STAGES
from flows.reading.artifact_kinds import STAGE_OF
from tasks.artifacts.artifact import Artifact
from tasks.content_hash import md5_file
from tests.engine.dvc_store.conftest import dvc, git, quiet_dvc  # noqa: F401 - a fixture
from tests.maintenance.conftest import Repository, enter, repository  # noqa: F401 - fixtures
from tests.reading.conftest import TIMES, write_film

NOT_MEASURED = {"data/kinematics"}


def make_recipe(video: str, size: int, **measures: float) -> Recipe:
    return Recipe(video, "track", "0" * 64, {}, {"data/tracks": {"": ("1" * 32, size)}}, measures=measures)


FILMS = [
    make_recipe("a", 10, frames=100, rows=50, filled_rows=5, tracks=3, frames_with_tracks=50),
    make_recipe("b", 30, frames=300, rows=0, filled_rows=0, tracks=0, frames_with_tracks=0),
    make_recipe("c", 20, frames=100, rows=70, filled_rows=7, tracks=9, frames_with_tracks=100),
]


def test_every_artifact_of_a_stage_is_measured() -> None:
    assert {kind.FOLDER for kind in STAGE_OF} - MEASURED.keys() == NOT_MEASURED


@pytest.mark.parametrize("video", TIMES)
def test_measures_say_what_is_in_the_files(video: str, tmp_path: Path) -> None:
    write_film(tmp_path, video)
    count = len(TIMES[video])
    kinds: dict[str, type[Artifact]] = {kind.FOLDER: kind for kind in STAGE_OF}

    def measure(folder: str) -> dict[str, float] | None:
        return measure_artifacts([(folder, kinds[folder].path(tmp_path, video))])

    frames = measure("data/frames")
    assert frames is not None and frames["frames"] == count and frames["lost_frames"] == 0
    flow = measure("data/dense_flow")
    assert flow is not None and flow["pairs"] == count - 1 and flow["cuts"] == 0
    assert measure("data/features") == {"stored_frames": (count + 1) // 2}
    tracks = {"frames": count, "rows": count, "filled_rows": 0, "tracks": 1, "people": 1, "frames_with_tracks": count}
    assert measure("data/tracks") == tracks
    assert compute_ratios(tracks) == {"tracked_share": 1, "filled_share": 0}
    assert measure("data/actions") == {"first_labels": 2, "confident_labels": 2}


def test_a_file_that_cannot_be_read_has_no_measures(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("no table")
    assert measure_artifacts([("data/tracks", tmp_path / "a.parquet")]) is None
    assert measure_artifacts([("data/unknown", tmp_path / "a.parquet")]) == {}


def test_a_recipe_keeps_its_measures_and_older_ones_have_none() -> None:
    assert parse_recipe(FILMS[0].to_text()) == FILMS[0]
    old = replace(FILMS[0], measures=None)
    assert "measures" not in old.to_text() and parse_recipe(old.to_text()) == old
    assert old.key == FILMS[0].key
    forged = FILMS[0].to_text().replace('"tracks": 3', '"tracks": 4')
    assert forged != FILMS[0].to_text() and parse_recipe(forged) is None


def test_sums_are_added_and_ratios_are_those_of_the_sums() -> None:
    found = json.loads(render_metrics("track", FILMS, has_quantiles=True))["track"]
    assert (found["items"], found["failed"], found["bytes"], found["tracks"]) == (3, 0, 60, 12)
    assert found["tracked_share"] == 150 / 500
    assert found["filled_share"] == 12 / 120


def test_a_fault_counts_as_failed_and_an_old_recipe_as_not_measured() -> None:
    fault = Recipe("d", "track", "0" * 64, {}, {}, "damaged")
    old = replace(FILMS[0], video="e", measures=None)
    found = json.loads(render_metrics("track", [*FILMS, fault, old], has_quantiles=True))["track"]
    assert (found["items"], found["failed"], found["not_measured"], found["tracks"]) == (5, 1, 1, 12)


def test_quantiles_go_from_the_smallest_to_the_largest_value() -> None:
    rows = json.loads(render_metrics("track", FILMS, has_quantiles=True))["quantiles"]
    assert [row["share_of_videos"] for row in (rows[0], rows[10], rows[20])] == [0, 0.5, 1]
    assert [row["tracks"] for row in (rows[0], rows[10], rows[20])] == [0, 3, 9]
    assert [row["tracked_share"] for row in (rows[0], rows[10], rows[20])] == [0, 0.5, 1]


def test_no_video_is_named_and_the_order_of_recipes_does_not_count() -> None:
    text = render_metrics("track", FILMS, has_quantiles=True)
    assert text == render_metrics("track", FILMS[::-1], has_quantiles=True)
    named = [replace(film, video=f"secret {film.video}") for film in FILMS]
    assert render_metrics("track", named, has_quantiles=True) == text


def test_what_is_plotted_is_a_measure_or_a_ratio(tmp_path: Path) -> None:
    write_film(tmp_path, "steady")
    kinds = {kind.FOLDER: kind for kind in STAGE_OF}
    for folder in ("data/frames", "data/dense_flow", "data/tracks", "data/actions"):
        measures = measure_artifacts([(folder, kinds[folder].path(tmp_path, "steady"))])
        assert measures is not None
        assert set(PLOTTED[folder]) <= {*measures, *compute_ratios(measures)}
    names = {name for names in PLOTTED.values() for name in names}
    assert {"mean_agreement", "mean_confidence", "detections_per_frame"} <= names & RATIOS.keys()


def test_the_record_holds_the_metrics_and_dvc_finds_them_clean(repository: Repository) -> None:  # noqa: F811
    assert repository.run().unrecorded == {}
    for name in ("read", "count", "repeat", "join"):
        path = repository.root / f"metrics/{name}.json"
        held = read_lock(repository.root)[name].outs[f"metrics/{name}.json"]
        assert held == FileHash(md5_file(path), path.stat().st_size)
    assert repository.status() == "Data and pipelines are up to date."


def test_a_run_with_nothing_to_do_leaves_the_metrics_alone_and_mends_edited_ones(
    repository: Repository,  # noqa: F811
) -> None:
    repository.run()
    path = repository.root / "metrics/count.json"
    text, mark = path.read_text(), path.stat().st_mtime_ns
    repository.run()
    assert path.stat().st_mtime_ns == mark
    path.write_text("{}")
    repository.run()
    assert path.read_text() == text
    path.unlink()
    repository.run()
    assert path.read_text() == text


def test_a_stage_that_is_not_recorded_keeps_the_metrics_of_the_recorded_version(
    repository: Repository,  # noqa: F811
) -> None:
    repository.run()
    before = (repository.root / "metrics/count.json").read_text()
    (repository.root / "data/raw/three.mp4").write_text("crash")
    assert "count" in repository.run().unrecorded
    assert (repository.root / "metrics/count.json").read_text() == before
    assert json.loads((repository.root / "metrics/read.json").read_text())["read"]["items"] == 3


def test_dvc_shows_the_quantiles_of_two_versions_as_plots(quiet_dvc: None, tmp_path: Path) -> None:  # noqa: F811
    git(tmp_path, "init", "-q", "-b", "main")
    dvc(tmp_path, "init", "-q")
    plots = [plot for plot in render_plots(declare_track()) if "track: tracks" in plot]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"metrics": ["metrics/track.json"], "plots": plots}))
    (tmp_path / "metrics").mkdir()
    for films in (FILMS[:2], FILMS):
        (tmp_path / "metrics/track.json").write_text(render_metrics("track", films, has_quantiles=True))
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", "version")
    shown = json.loads(dvc(tmp_path, "plots", "diff", "HEAD~1", "HEAD", "--json"))["data"]
    (plot,) = shown["track: tracks"]
    points = plot["content"]["data"]["values"]
    assert {str(point["tracks"]) for point in points if float(point["share_of_videos"]) == 1} == {"3", "9"}
    changed = json.loads(dvc(tmp_path, "metrics", "diff", "HEAD~1", "HEAD", "--json"))
    assert changed["metrics/track.json"]["track.tracks"] == {"old": 3, "new": 12, "diff": 9}


def test_every_figure_of_all_stages_has_a_line_of_its_own_as_the_readme_says(
    quiet_dvc: None,  # noqa: F811
    tmp_path: Path,
    checkout: Path,
) -> None:
    command = "dvc metrics diff --all"
    assert f"`{command}` is the narrow table of every figure" in (checkout / "README.md").read_text(encoding="utf-8")
    git(tmp_path, "init", "-q", "-b", "main")
    dvc(tmp_path, "init", "-q")
    (tmp_path / "metrics").mkdir()
    names = {name for pair in RATIOS.values() for name in pair}
    for stage in STAGE_OF.values():
        recipe = Recipe("a", stage, "0" * 64, {}, {}, measures=dict.fromkeys(names, 123_456_789_012))
        text = render_metrics(stage, [recipe], has_quantiles=True)
        (tmp_path / f"metrics/{stage}.json").write_text(text)
    count = sum(len(json.loads(path.read_text())[path.stem]) for path in (tmp_path / "metrics").iterdir())
    files = sorted(f"metrics/{path.name}" for path in (tmp_path / "metrics").iterdir())
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"metrics": files}))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "version")
    lines = dvc(tmp_path, *command.split()[1:]).splitlines()
    assert len(lines) == 1 + count > len(files)
    assert max(map(len, lines)) <= 200


def declare_track() -> list[object]:
    from tasks.params import Compute, read_params
    from tests.conftest import CHECKOUT

    sections = read_params(CHECKOUT / "params.yaml", {"compute": Compute} | {one.name: one.params for one in STAGES})
    return [one for one in declare_stages(STAGES, sections, "cpu") if one.name == "track"]
