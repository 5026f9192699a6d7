"""The check of CUDA devices: budget, processes, tolerances, comparisons, folder and table, all without a GPU."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check import command
from benchmarks.gpu_check.budget import Budget, Part, PartResult, run_parts
from benchmarks.gpu_check.bundle import Installed
from benchmarks.gpu_check.comparisons import COMPARISONS, compare_detections, compute_iou
from benchmarks.gpu_check.gpu_tests import find_test_files, read_test_report
from benchmarks.gpu_check.stage_cases import (
    CASES,
    REHEARSAL_DEVICE,
    TOO_LONG,
    is_device_error,
    limit_time,
)
from benchmarks.gpu_check.table import REHEARSAL, render_results
from benchmarks.gpu_check.tolerances import NOT_COMPARED, TOLERANCES
from benchmarks.gpu_check.whole_run import RunClock, make_project
from flows.engine.outcome import Outcome
from flows.pipeline import STAGES
from tasks.artifacts.detections import Detections
from tasks.params import Compute, read_params


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run_with(parts: list[Part], budget: Budget) -> dict[str, PartResult]:
    return run_parts(parts, budget, lambda part, result: None)


def test_a_part_that_fails_stops_none_of_the_others() -> None:
    def fail(limit_s: float) -> None:
        raise RuntimeError("out of memory")

    found = run_with([Part("first", fail, 1, 10), Part("second", lambda limit_s: 7, 1, 10)], Budget(100))
    assert found["first"].status == "failed" and "RuntimeError: out of memory" in found["first"].error
    assert found["second"] == PartResult("ok", found["second"].seconds, 7)


def test_parts_get_the_time_that_is_left_and_what_is_not_reached_is_named() -> None:
    clock, limits = Clock(), list[float]()

    def take(seconds: float, limit_s: float) -> None:
        limits.append(limit_s)
        clock.now += seconds

    parts = [
        Part("long", lambda limit_s: take(60, limit_s), min_s=10, max_s=200),
        Part("capped", lambda limit_s: take(30, limit_s), min_s=10, max_s=20),
        Part("too long", lambda limit_s: take(1, limit_s), min_s=30, max_s=200),
        Part("short", lambda limit_s: take(1, limit_s), min_s=5, max_s=200),
    ]
    found = run_with(parts, Budget(100, clock))
    assert limits == [100, 20, 10]
    assert [result.status for result in found.values()] == ["ok", "ok", "not reached", "ok"]
    assert found["too long"].error == "10 s were left, it needs 30 s"


def make_check(work: Path) -> command.Check:
    nowhere = Path("nowhere")
    return command.Check(work, Installed(None, None, None), {}, nowhere, nowhere, "")


def test_a_crash_costs_one_case_and_the_next_ones_get_a_new_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def run_module(name: str, environment: Any, limit_s: float, order_text: str) -> str:
        order = json.loads(order_text)
        started.append(order["cases"])
        with Path(order["results"]).open("a") as file:
            for title in order["cases"]:
                file.write(json.dumps({"case": title, "status": "started"}) + "\n")
                if title == "match":
                    raise subprocess.CalledProcessError(-11, name)
                file.write(json.dumps({"case": title, "status": "ok"}) + "\n")
        return ""

    monkeypatch.setattr(command, "_run_module", run_module)
    found = command.run_cases(make_check(tmp_path), ["detect", "match", "classify"], 100)
    assert started == [["detect", "match", "classify"], ["classify"]]
    assert found["match"] == {"status": "failed", "error": "the process ended with code -11"}
    assert found["detect"]["status"] == found["classify"]["status"] == "ok"


def test_cases_that_no_time_is_left_for_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MIN_CASE_S", 1000.0)
    found = command.run_cases(make_check(tmp_path), ["detect"], 100)
    assert found == {"detect": {"status": "not reached", "error": "no time was left"}}


def test_a_process_that_starts_no_case_is_an_error_and_not_an_endless_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_run_module", lambda *words: "")
    with pytest.raises(RuntimeError, match="must start a case, got none"):
        command.run_cases(make_check(tmp_path), ["detect"], 100)


def test_a_hanging_part_is_killed_with_all_its_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        command._run_module("machine", {}, 0.01)


def test_every_stage_with_a_path_for_cuda_is_compared_or_named() -> None:
    with_path = {stage.name for stage in STAGES if "cuda" in stage.kernels}
    assert with_path == {case.stage for case in CASES} | NOT_COMPARED.keys()
    assert [case.title for case in CASES] == list(command.CASES)
    assert command.REHEARSAL_DEVICE == REHEARSAL_DEVICE


def test_every_compared_artifact_has_a_tolerance_with_a_reason() -> None:
    assert {Path(kind.FOLDER).name for kind in COMPARISONS} == TOLERANCES.keys()
    assert all(tolerance.reason for tolerance in TOLERANCES.values())
    made = {kind for case in CASES for stage in STAGES if stage.name == case.stage for kind in stage.outputs}
    assert len(made & COMPARISONS.keys()) == len(COMPARISONS)


@pytest.mark.parametrize(("name", "good", "bad"), [("detections", 0.98, 0.9), ("dense_flow", 0.05, 0.2)])
def test_a_tolerance_has_a_side_and_accepts_no_nan(name: str, good: float, bad: float) -> None:
    assert TOLERANCES[name].accepts(good)
    assert not TOLERANCES[name].accepts(bad)
    assert not TOLERANCES[name].accepts(float("nan"))


def test_a_run_that_takes_too_long_says_which_stages_were_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_module(name: str, environment: Any, limit_s: float, order_text: str) -> str:
        RunClock(Path(json.loads(order_text)["results"])).on_ended(Outcome("clip", "decode", "computed", 2.0), True)
        raise subprocess.TimeoutExpired(name, limit_s)

    monkeypatch.setattr(command, "_run_module", run_module)
    with pytest.raises(RuntimeError, match=r"must end within 9 s, got done in this time: decode 2\.0 s"):
        command.run_whole(make_check(tmp_path), "plain", 20, {}, 9)


def test_a_case_that_hangs_ends_its_process_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, codes = threading.Event(), list[int]()
    monkeypatch.setattr("os._exit", lambda code: (codes.append(code), ended.set()))
    with limit_time(0.01, tmp_path / "results", "match"):
        assert ended.wait(10)
    assert codes == [TOO_LONG]
    assert "took more than 0 s" in (tmp_path / "results").read_text()


def make_detections(boxes: list[tuple[float, ...]], score: float = 0.9) -> Detections:
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    count = len(xyxy)
    return Detections(
        frame=np.zeros(count, np.int32), class_id=np.zeros(count, np.int16),
        class_name=np.array(["person"] * count, object), score=np.full(count, score, np.float32),
        **dict(zip(("x1", "y1", "x2", "y2"), xyxy.T, strict=True)), frame_count=1, width=100, height=100,
    )  # fmt: skip


def test_a_box_that_one_device_lacks_counts_whichever_it_is() -> None:
    one, both = make_detections([(0, 0, 10, 10)]), make_detections([(0, 0, 10, 10), (50, 50, 70, 70)])
    assert compare_detections(one, one) == 1
    assert compare_detections(one, both) == compare_detections(both, one) == 0.5
    assert compare_detections(one, make_detections([(5, 0, 15, 10)])) == 0
    assert compare_detections(make_detections([]), make_detections([(0, 0, 10, 10)], score=0.2)) == 1


def test_the_intersection_over_union_of_boxes_is_the_ratio_of_areas() -> None:
    found = compute_iou(np.array([0, 0, 10, 10]), np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]]))
    np.testing.assert_allclose(found, [1, 1 / 3, 0])


def test_an_error_of_cuda_needs_a_new_process_and_another_does_not() -> None:
    assert is_device_error(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not is_device_error(ValueError("params must be given"))


def test_a_project_of_the_check_has_valid_parameters_with_the_changes(tmp_path: Path, checkout: Path) -> None:
    changes = {"compute": {"device": "cuda:0"}, **command.NO_FIELD}
    make_project(tmp_path / "project", checkout / "params.yaml", changes)
    sections = {"compute": Compute} | {stage.name: stage.params for stage in STAGES}
    params = read_params(tmp_path / "project/params.yaml", sections)
    assert params.get_section(Compute).device == "cuda:0"
    assert params["fit_field"].model_dump()["labels"] == "user"


def test_only_files_with_tests_for_a_gpu_are_collected(checkout: Path) -> None:
    names = {path.name for path in find_test_files(checkout)}
    assert "test_raft_network.py" in names
    assert "test_engine_benchmark.py" not in names


def test_the_report_of_the_tests_is_counted_with_reasons(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="a" name="one"/>'
        '<testcase classname="a" name="two"><failure message="apart by 3"/></testcase>'
        '<testcase classname="a" name="three"><skipped message="needs CUDA"/></testcase></testsuite></testsuites>'
    )
    found = read_test_report(report)
    assert (found["passed"], found["failed"], found["skipped"]) == (1, 1, 1)
    assert found["reasons"] == {"a::two": "apart by 3", "a::three": "needs CUDA"}


def make_results(**machine: Any) -> dict[str, Any]:
    case = {"status": "ok", "cpu_ms_per_frame": 30.0, "device_ms_per_frame": 3.0, "ratio": 10.0,
            "agreement": {"detections": {"value": 0.5, "ok": False}}}  # fmt: skip
    stages = {"detect": case, "match": {"status": "failed", "error": "RuntimeError: no memory\nmore"}}
    run = {"film_s": 20.0, "wall_s": 10.0, "items_s": 5.0, "stage_s": {"decode": 1.25}}
    return {
        "machine": {"device": "", "device_name": "", "versions": {}, "missing": {}} | machine,
        "seconds": 100.0,
        "parts": {
            "stages": {"status": "ok", "result": stages, "error": ""},
            "run_without_field": {"status": "ok", "result": run, "error": ""},
            "run_with_field": {"status": "not reached", "result": None, "error": "10 s were left"},
        },
    }


def test_the_table_names_the_device_and_what_is_outside_or_missing() -> None:
    page = render_results(make_results(device="cuda:0", device_name="Card X"))
    assert REHEARSAL not in page
    assert "| detect | 30.0 | 3.0 | 10.0 | 0.5 **outside** | at least 0.97" in page
    assert "failed: RuntimeError: no memory |" in page
    assert "| without the semantic field | 20.0 s | 10.0 s | 2.00 | 4.00 |" in page
    assert "Seconds of each stage without the semantic field, several at once: decode 1.2." in page
    assert "- run_with_field: not reached, 10 s were left" in page
    rows = [line for line in page.splitlines() if line.startswith("| stage")]
    assert rows == ["| stage | CPU, ms per frame | Card X, ms per frame | ratio | agreement | bound |"]


def test_a_comparison_of_nothing_is_outside_its_bound() -> None:
    results = make_results()
    results["parts"]["stages"]["result"]["detect"]["agreement"]["detections"]["value"] = None
    assert "nothing to compare **outside**" in render_results(results)


def test_a_rehearsal_says_so_in_the_first_line() -> None:
    assert render_results(make_results()).splitlines()[0] == REHEARSAL


def test_a_stage_out_of_its_tolerance_makes_the_check_fail() -> None:
    results = make_results()
    results["parts"] = {"stages": results["parts"]["stages"]}
    assert not command.is_good(results)
    del results["parts"]["stages"]["result"]["match"]
    assert not command.is_good(results)
    results["parts"]["stages"]["result"]["detect"]["agreement"]["detections"]["ok"] = True
    assert command.is_good(results)
