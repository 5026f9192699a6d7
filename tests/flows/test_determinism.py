"""The same bytes however many threads compute, in whatever batches, and as on other processors with AVX2."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import determinism
from benchmarks.determinism import CASES, VARIATIONS, Case, hashes, make_params, make_project, measure, reference
from benchmarks.differences import largest_difference
from flows.engine.project import Project
from flows.pipeline import STAGES
from tasks.kernels import AVX2, processor_flags

VARIED = {
    "batch-1": VARIATIONS["batch-1"],
    "one-core": replace(VARIATIONS["one-core"], torch_threads=1),  # one thread in every library, in torch by both ways
}
KNOWN = Path(__file__).parent / "known_bytes.json"
"""MD5s of the reference artifacts, made on a processor with AVX2 and without AVX-512. After a change of these stages or
of a library: `python -m benchmarks.determinism --cases decode --variations same --save <this file>`."""
SAME = ("frames", "dense_flow", "feature_axes", "features", "semantic_flow")
"""Folders of artifacts that follow from the clips alone, by stages that no kernel changes."""
DEFAULTS = [case for case in CASES if not case.name]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    """A project with the artifacts of two short clips, each stage run in a process of its own."""
    folder = tmp_path_factory.mktemp("determinism")
    make_project(folder)
    reference(folder)
    return folder


@pytest.mark.slow
def test_threads_and_batches_change_no_byte_of_any_stage(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = measure(root, DEFAULTS, VARIED)
    assert {(title, name) for title, row in found.items() for name, verdict in row.items() if verdict != "="} == set()


@pytest.mark.slow
@pytest.mark.skipif(not processor_flags() >= AVX2, reason="kernels are pinned on x86-64 processors with AVX2 alone")
def test_what_no_kernel_changes_is_as_on_another_processor(root: Path) -> None:
    made, known = hashes(root / "data"), json.loads(KNOWN.read_text())
    expected = {name: md5 for name, md5 in known.items() if name.startswith(SAME)}
    assert len(expected) == 9
    assert {name: made[name] for name in expected} == expected


def test_every_stage_is_measured() -> None:
    assert [case.stage for case in DEFAULTS] == [stage.name for stage in STAGES]


def test_every_case_has_parameters_that_its_stage_takes(checkout: Path) -> None:
    project = Project.open(checkout, STAGES)
    try:
        for case in CASES:
            made = make_params(project, case).model_dump()
            assert {name: made[name] for name in case.params} == dict(case.params)
    finally:
        project.close()


def test_differences_are_told_by_number_and_place(tmp_path: Path) -> None:
    one, two, longer = (tmp_path / name for name in ("one.npy", "two.npy", "longer.npy"))
    np.save(one, np.array([1.0, 2.0, np.nan]))
    np.save(two, np.array([1.0, 2.5, np.nan]))
    np.save(longer, np.zeros(4))
    assert largest_difference(one, two) == "values 0.5"
    assert largest_difference(one, longer) == "values 3 -> 4 rows"


def test_a_case_is_found_by_its_stage_or_by_its_title() -> None:
    titles = [case.title for case in determinism.chosen(["match", "track:crops"])]
    assert titles == ["match", "match:euclidean", "track:crops"]
    assert Case("match").title == "match"
