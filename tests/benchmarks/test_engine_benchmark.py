"""The benchmark of the engine does its work on a small data set, and says all that it promises."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks.engine.command import as_json, measure_all, parse
from benchmarks.engine.figures import FIGURES, Results, exponents, slope, table
from benchmarks.engine.peers import Step, make_dvc_stages, render_dvc_yaml
from benchmarks.engine.plot import draw
from benchmarks.engine.samples import write_samples
from benchmarks.engine.stages import SAMPLES, STAGES, copy_with_stamp
from flows.pipeline import STAGES as REAL

VIDEOS = 3


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    words = f"--quick --videos {VIDEOS} --repeats 1 --workers 1 --scaling 6 --no-warm-up".split()
    *_, complete = measure_all(parse(words), tmp_path_factory.mktemp("bench"))
    return complete


@pytest.mark.slow
def test_every_figure_of_the_table_was_measured(results: Results) -> None:
    rows = table(results).splitlines()
    for figure in FIGURES:
        row = next(row for row in rows if row.startswith(figure.name))
        assert float(row[len(f"{figure.name} ({figure.unit})") :].split()[0].rstrip("!")) > 0
    assert any(row.startswith("items per second") for row in rows)


@pytest.mark.slow
def test_items_are_those_of_the_whole_pipeline(results: Results) -> None:
    over_dataset = sum(stage.over_dataset for stage in REAL)
    assert results.ours[VIDEOS].items == over_dataset + VIDEOS * (len(REAL) - over_dataset)


@pytest.mark.slow
def test_the_figures_are_written_and_drawn(results: Results, tmp_path: Path) -> None:
    written = json.loads(json.dumps(as_json(results)))
    assert set(written["figures"]) == {str(VIDEOS)}
    assert len(written["figures"][str(VIDEOS)]) == len(FIGURES)
    draw(results, tmp_path / "engine.svg")
    assert ElementTree.parse(tmp_path / "engine.svg").getroot().tag.endswith("svg")


def test_growth_is_the_exponent_of_the_fit() -> None:
    assert slope([0.0, 1.0, 2.0], [5.0, 6.0, 7.0]) == pytest.approx(1.0)
    assert slope([0.0, 1.0, 2.0], [5.0, 7.0, 9.0]) == pytest.approx(2.0)
    assert exponents({}) == {}


def test_sizes_given_replace_those_of_quick() -> None:
    assert list(parse(["--quick", "--videos", "5"]).videos) == [5]
    assert not parse(["--quick"]).peers
    assert max(parse([]).videos) == 10000


def test_samples_load_as_what_they_are_and_no_two_are_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_samples(tmp_path)
    monkeypatch.setenv(SAMPLES, str(tmp_path))
    for stage in STAGES:
        made = stage.function()
        for kind, artifact in zip(stage.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            path = tmp_path / f"made-{kind.__name__}{kind.SUFFIX}"
            artifact.save(path)
            kind.load(path)
            if kind.SUFFIX in (".parquet", ".npy"):
                assert path.read_bytes() != (tmp_path / f"{kind.__name__}{kind.SUFFIX}").read_bytes()


def test_a_file_without_a_footer_is_copied_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"anything")
    copy_with_stamp(tmp_path / "a", tmp_path / "b", b"stamp")
    assert (tmp_path / "b").read_bytes() == b"anything"


def test_sample_stages_declare_what_the_real_ones_do() -> None:
    for fake, real in zip(STAGES, REAL, strict=True):
        assert (fake.name, fake.module, fake.inputs, fake.outputs) == (
            real.name, real.module, real.inputs, real.outputs,
        )  # fmt: skip
        assert fake.function is not real.function


def test_the_graph_for_dvc_has_a_stage_per_video() -> None:
    steps = [Step("one", ("raw",), over_dataset=False), Step("all", ("one",), over_dataset=True)]
    text = render_dvc_yaml(make_dvc_stages(steps, ["a", "b"]), ["a", "b"])
    assert "foreach" in text and "one/${item}.txt" in text
    assert text.count("one/a.txt") == 2  # read by the stage over the dataset: once as a dep, once by its command
    assert text.count("one/b.txt") == 1
