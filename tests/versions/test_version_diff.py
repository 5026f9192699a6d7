"""Two versions are compared: what was changed, and what became of rows, identities and distributions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import semflow
from flows.cli import main
from flows.engine.dvc_store.object_store import ObjectStore
from flows.evaluate.saved_scores import save_scores
from flows.evaluate.score_table import SuiteScores
from flows.versions.diff_charts import draw_counts, draw_distributions
from flows.versions.diff_page import render_diff
from flows.versions.diff_text import describe_diff
from flows.versions.identity_match import BoxRows, IdentityChange, match_identities
from flows.versions.recorded_version import RecordedVersion
from flows.versions.table_change import ColumnChange, compare_tables
from flows.versions.version_diff import VersionDiff, compare_versions
from tasks.artifacts.tracks import Tracks
from tests.reading.conftest import git, save
from tests.versions.conftest import PARAMS, make_tracks, record_version, write_video


def compare(root: Path, before: str | None, after: str | None = None) -> VersionDiff:
    sides = [RecordedVersion(semflow.open(root, rev=rev).source) for rev in (before, after)]
    return compare_versions(sides[0], sides[1])


def match(before: dict[int, tuple[int, int, float]], after: dict[int, tuple[int, int, float]]) -> IdentityChange:
    tables = [make_tracks("steady", boxes) for boxes in (before, after)]
    rows = [BoxRows(one.frame, one.track_id, np.stack([one.x1, one.y1, one.x2, one.y2], axis=1)) for one in tables]
    return match_identities(rows[0], rows[1])


def test_an_identity_is_kept_under_another_number() -> None:
    assert match({1: (0, 39, 0), 2: (0, 39, 12)}, {7: (0, 35, 1), 2: (0, 39, 12)}) == IdentityChange(2, 1)


def test_an_identity_is_split_and_two_are_merged() -> None:
    whole, halves = {1: (0, 39, 0)}, {1: (0, 19, 0), 2: (20, 39, 0)}
    assert match(whole, halves) == IdentityChange(split=(((1,), (1, 2)),))
    assert match(halves, whole) == IdentityChange(merged=(((1, 2), (1,)),))


def test_identities_that_swap_halfway_are_mixed() -> None:
    before = {1: (0, 19, 0), 2: (0, 19, 12), 3: (20, 39, 0), 4: (20, 39, 12)}
    joined = {1: (0, 39, 0), 2: (0, 39, 12)}
    swapped = match(joined, before)
    assert swapped.split == (((1,), (1, 3)), ((2,), (2, 4)))
    tables = [make_tracks("steady", joined), make_tracks("steady", joined)]
    rows = [BoxRows(one.frame, one.track_id, np.stack([one.x1, one.y1, one.x2, one.y2], axis=1)) for one in tables]
    late = rows[1].frame >= 20
    crossed = BoxRows(rows[1].frame, np.where(late, 3 - rows[1].track_id, rows[1].track_id), rows[1].xyxy)
    assert match_identities(rows[0], crossed).mixed == (((1, 2), (1, 2)),)


def test_a_box_elsewhere_is_gone_and_new() -> None:
    found = match({1: (0, 9, 0)}, {1: (0, 9, 20)})
    assert (found.kept, found.gone, found.new, found.changed_share) == (0, (1,), (1,), 1)
    assert match({1: (0, 9, 0)}, {1: (0, 9, 0)}).changed_share == 0


def test_tables_differ_in_rows_classes_and_distributions(tmp_path: Path) -> None:
    for name, boxes in (("a", {1: (0, 39, 0.0)}), ("b", {1: (0, 19, 12.0)})):
        save(tmp_path, name, Tracks, make_tracks("steady", boxes).save)
    found = compare_tables("tracks", Tracks.path(tmp_path, "a"), Tracks.path(tmp_path, "b"))
    assert found.rows == (40, 20) and found.classes == {"person": (40, 20)}
    assert [(one.name, one.median, one.distance) for one in found.columns] == [
        ("x1", (0, 12), 1), ("x2", (6, 18), 1)
    ]  # fmt: skip


def test_the_change_of_a_parameter_and_what_it_did_are_found(versions: Path) -> None:
    found = compare(versions, "v1", "v2")
    assert (found.before, found.after) == ("v1", "v2")
    assert found.params == {"track.max_gap_s": (0.37, 0.2)}
    assert (found.added, found.gone) == ((), ())
    assert [one.video for one in found.videos] == ["steady"] and found.same_videos == 1
    (steady,) = found.videos
    assert set(steady.artifacts) == {"detections", "tracks"}
    identities = steady.identities
    assert identities is not None
    assert (identities.split, identities.gone, identities.new) == ((((1,), (1, 3)),), (2,), (4,))
    assert steady.measures["track.tracks"] == (2, 3) and steady.measures["track.rows"] == (80, 50)
    assert steady.score == 1


def test_code_weights_and_libraries_are_compared(versions: Path) -> None:
    for path in (versions / "data/recipes/track").glob("*.method.json"):
        path.unlink()
    record_version(versions, "v3", ["steady", "uneven"], {**PARAMS, "track": {"max_gap_s": 0.2, "new": 1}})
    found = compare(versions, "v2", "v3")
    assert found.params == {"track.new": (None, 1)}
    assert found.methods == {} and found.videos == ()
    assert found.same_videos == 2


def test_videos_that_were_added_or_are_gone_are_named(versions: Path) -> None:
    write_video(versions, "steady")
    record_version(versions, "v3", ["steady"], PARAMS)
    assert compare(versions, "v1", "v3").gone == ("uneven",)
    assert compare(versions, "v3", "v1").added == ("uneven",)


def test_one_revision_is_compared_with_the_working_copy(versions: Path) -> None:
    assert compare(versions, "v2").is_empty
    found = compare(versions, "v1")
    assert found.after == "working copy" and [one.video for one in found.videos] == ["steady"]


def test_what_is_equal_is_not_read(versions: Path) -> None:
    store = ObjectStore.open(versions)
    assert store is not None
    source = RecordedVersion(semflow.open(versions, rev="v2").source)
    for stage in ("decode", "estimate_flow", "extract_features"):
        for md5 in source.list_files(stage).values():
            store.object_path(md5).unlink()
    for folder in ("frames", "dense_flow", "features"):
        for md5 in source.source.list_recorded(f"data/{folder}").values():
            store.object_path(md5).unlink()
    assert len(compare(versions, "v1", "v2").videos) == 1


def test_bytes_that_are_nowhere_are_noted_and_the_rest_is_compared(versions: Path) -> None:
    store = ObjectStore.open(versions)
    assert store is not None
    md5 = semflow.open(versions, rev="v1").source.list_recorded("data/detections")["steady.parquet"]
    store.object_path(md5).unlink()
    (steady,) = compare(versions, "v1", "v2").videos
    assert steady.identities is not None and len(steady.notes) == 1
    assert steady.notes[0].startswith("detections was not compared: detections of ")


def test_the_command_prints_text_json_and_a_page(
    versions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(versions)
    assert main.main(["diff", "v1", "v2", "--html", "changes.html"]) == 0
    text = capsys.readouterr().out
    assert (
        "track.max_gap_s  0.37 -> 0.2" in text and "split 1 -> 1, 3" in text and "1 video changed, 1 the same" in text
    )
    page = (versions / "changes.html").read_text()
    assert "<h3>steady</h3>" in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert main.main(["diff", "v1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["params"] == {"track.max_gap_s": [0.37, 0.2]}
    assert main.main(["diff", "v9"]) == 2
    assert "rev must be a branch, tag or commit" in capsys.readouterr().err
    assert main.main(["diff", "v1", "--html", "no/where.html"]) == 2


def test_equal_versions_say_so(versions: Path) -> None:
    same = compare(versions, "v2", "v2")
    assert list(describe_diff(same, 10)) == ["v2 -> v2", "nothing differs"]
    assert "Nothing differs." in render_diff(same)


def test_metrics_of_all_videos_are_compared(versions: Path) -> None:
    (versions / "metrics").mkdir()
    for count, tag in ((4, "v3"), (6, "v4")):
        (versions / "metrics/track.json").write_text(json.dumps({"track": {"items": 2, "tracks": count}}))
        git(versions, "add", "-A")
        git(versions, "commit", "-qm", tag)
        git(versions, "tag", tag)
    assert compare(versions, "v3", "v4").metrics == {"track.tracks": (4, 6)}


def test_figures_of_suites_that_were_run_are_compared(versions: Path) -> None:
    for hota, tag in ((46.2, "v3"), (47.0, "v4")):
        scores = SuiteScores("mot", {}, {"HOTA": hota, "MOTA": 1 / 3, "fps": hota * 7, "association fps": hota * 9})
        saved = save_scores(versions, scores, {"data": versions, "preset": "sort", "save": True, "as_json": False})
        assert json.loads(saved.read_text()) == {"mot": {"HOTA": hota, "MOTA": 0.333333, "options": {"preset": "sort"}}}
        git(versions, "add", "-A")
        git(versions, "commit", "-qm", tag)
        git(versions, "tag", tag)
    found = compare(versions, "v3", "v4")
    assert found.suites == {"mot.HOTA": (46.2, 47.0)} == compare(versions, "v3").suites
    assert compare(versions, "v2", "v3").suites["mot.preset"] == (None, "sort")
    assert "figures of suites that were run" in "\n".join(describe_diff(found, 10))
    assert "Figures of suites that were run" in render_diff(found)


def test_histograms_share_one_range_and_sum_to_one(tmp_path: Path) -> None:
    paths = [tmp_path / "before.parquet", tmp_path / "after.parquet"]
    rng = np.random.default_rng(0)
    values = [rng.normal(0, 1, 4000), rng.normal(2, 1, 1000)]
    for path, column in zip(paths, values, strict=True):
        pq.write_table(pa.table({"score": column}), path)
    (column,) = compare_tables("tracks", *paths).columns
    before, after = (np.array(one) for one in column.histograms)
    assert before.sum() == pytest.approx(1, abs=0.01) and after.sum() == pytest.approx(1, abs=0.01)
    low, high = column.span
    middles = low + (np.arange(len(before)) + 0.5) * (high - low) / len(before)
    assert before @ middles == pytest.approx(0, abs=0.1) and after @ middles == pytest.approx(2, abs=0.1)
    assert low == pytest.approx(-2.5, abs=0.3) and high == pytest.approx(4, abs=0.4), "no stray value stretches it"


def test_charts_draw_the_largest_change_first_and_each_share_to_scale() -> None:
    said = str(draw_counts({"car": (4, 5), "<b>": (10, 0)}))
    assert said.index("&lt;b&gt;") < said.index("car") and "width:100.0%" in said and "10 → 0" in said
    column = ColumnChange("score", (0.1, 0.9), 1.0, (0.0, 1.0), ((1.0, 0.0), (0.5, 0.5)))
    drawn = str(draw_distributions(column))
    assert 'points="0.0,0.0 90.0,0.0 90.0,36.0 180.0,36.0" class="before"' in drawn
    assert 'points="0,36 0.0,18.0 90.0,18.0 90.0,18.0 180.0,18.0 180,36" class="after"' in drawn


def test_a_flag_that_changes_is_a_change(tmp_path: Path) -> None:
    paths = [tmp_path / "before.parquet", tmp_path / "after.parquet"]
    for path, yes in zip(paths, (1, 4), strict=True):
        pq.write_table(pa.table({"confident": [n < yes for n in range(10)], "looped": [True] * 10}), path)
    found = compare_tables("actions", *paths)
    assert found.flags == {"confident": (1, 4)} and found.counts == {"confident: yes": (1, 4)}
    assert (
        found.changed_share == pytest.approx(0.3) and compare_tables("actions", paths[0], paths[0]).changed_share == 0
    )
