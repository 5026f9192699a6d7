"""Runs the parts of the check within a time budget and writes their results: `python -m benchmarks.gpu_check`.

The folder gpu-check/ is unpacked into a private folder where it is there; else the installed packages are used. Each
part runs in processes of its own, so that neither a crash nor a hang of one stops the others. Standard library only:
this runs before the packages of the check are there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.budget import Budget, Part, PartResult, run_parts
from benchmarks.gpu_check.bundle import STAND_INS, Installed, install_bundle
from benchmarks.gpu_check.gpu_tests import run_gpu_tests
from benchmarks.gpu_check.table import render_results

CHECKOUT = Path(__file__).parents[2]
LIMIT_S = 420.0
MARGIN_S = 5.0
"""Kept of the budget for ending processes and writing the results."""
MIN_PART_S, MIN_CASE_S = 25.0, 20.0
"""Seconds that must be left for a part, and for a new process that computes stages."""
CASE_SHARE = 0.35
"""Of the time of all stages, that one case may take."""
CASES = ("detect", "extract_features", "match", "estimate_flow, RAFT", "estimate_pose, YOLO", "classify", "fit_field")
"""Titles of the cases (stage_cases.py), which cannot be imported before the packages are there."""
REHEARSAL_DEVICE = "cpu:0"
"""As in stage_cases.py: stages take their path for an accelerator on the CPU."""
FILM_S, FIELD_FILM_S = 20.0, 10.0
"""Film for whole runs, and at most for the one with the semantic field, most of which the CPU computes."""
NO_FIELD: Mapping[str, Any] = {"fit_field": {"labels": "user"}}
"""Without labels of a user the field is not fitted."""
YOLO_POSES: Mapping[str, Any] = {"backend": "yolo", "keypoint_score": 0.5}
"""RTMPose computes on the CPU on every machine."""
RAFT: Mapping[str, Any] = {**NO_FIELD, "estimate_flow": {"backend": "raft-small"}}
"""Dense flow on the device, where by default the CPU computes it."""


@dataclass(frozen=True)
class Check:
    """What the parts share."""

    work: Path
    installed: Installed
    environment: Mapping[str, str]
    params: Path
    clip: Path
    device: str
    """The second device: `cuda:0`; "" in a rehearsal."""


def main(argv: Sequence[str]) -> int:
    """Run the check; the exit code is 0 where every part is ok and every stage within its tolerance."""
    options = parse(argv)
    budget = Budget(options.budget_s - MARGIN_S)
    with tempfile.TemporaryDirectory(prefix="gpu-check-", dir=options.work) as work:
        results = measure(options, budget, Path(work))
    print(render_results(results))  # noqa: T201
    return 0 if is_good(results) else 1


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--budget-s", type=float, default=LIMIT_S, help=f"seconds for everything ({LIMIT_S:g})")
    parser.add_argument("--bundle", type=Path, default=CHECKOUT / "gpu-check", help="the folder of `make gpu-wheels`")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "reports/bench", help="where the results go")
    parser.add_argument("--work", type=Path, help="where the private folder is made (the folder for temporary files)")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=CASES, help="stages to compare (all)")
    parser.add_argument("--film-s", type=float, default=FILM_S, help=f"seconds of film for whole runs ({FILM_S:g})")
    parser.add_argument("--parts", nargs="*", help="parts to run (all): stages, run_without_field, ...")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, budget: Budget, work: Path) -> dict[str, Any]:
    """The results, written to `options.to` after every part."""
    installed = install_bundle(options.bundle, work)
    environment = installed.make_environment(CHECKOUT)
    machine = json.loads(_run_module("machine", environment, budget.left_s, capture=True).splitlines()[-1])
    check = Check(
        work=work,
        installed=installed,
        environment=environment,
        params=CHECKOUT / "params.yaml",
        clip=_find_clip(installed, environment, work),
        device=machine["device"],
    )
    stand_ins = installed.cache / STAND_INS if installed.cache is not None else None
    results: dict[str, Any] = {
        "machine": machine,
        "rehearsal": not machine["device"],
        "install_s": budget.spent_s,
        "packages": "of the folder" if installed.packages is not None else "installed ones",
        "stand_ins": sorted(json.loads(stand_ins.read_text())) if stand_ins and stand_ins.is_file() else [],
        "parts": {},
    }

    def keep(part: Part, result: PartResult) -> None:
        results["parts"][part.name] = asdict(result)
        results["seconds"] = budget.spent_s
        write_results(results, options.to)
        print(f"[{budget.spent_s:.0f} s] {part.name}: {result.status} {result.error}", flush=True)  # noqa: T201

    parts = list_parts(check, options.cases, options.film_s, budget.limit_s)
    run_parts([part for part in parts if not options.parts or part.name in options.parts], budget, keep)
    return results


def list_parts(check: Check, cases: Sequence[str], film_s: float, budget_s: float) -> list[Part]:
    """The parts, the most important first; each leaves a share of the budget for the next ones."""

    def part(name: str, run: Callable[[float], Any], share: float) -> Part:
        return Part(name, run, min_s=MIN_PART_S, max_s=share * budget_s)

    return [
        part("stages", lambda limit_s: run_cases(check, cases, limit_s), 0.5),
        part("run_without_field", lambda limit_s: run_whole(check, "plain", film_s, NO_FIELD, limit_s), 0.25),
        part("gpu_tests", lambda limit_s: _run_tests(check, limit_s), 0.2),
        part("run_with_field", lambda limit_s: run_whole(check, "field", min(film_s, FIELD_FILM_S), {}, limit_s), 1.0),
        # On a CPU RAFT takes seconds per frame.
        *(
            [part("run_with_raft", lambda limit_s: run_whole(check, "raft", film_s, RAFT, limit_s), 1.0)]
            if check.device
            else []
        ),
    ]


def run_cases(check: Check, cases: Sequence[str], limit_s: float) -> dict[str, dict[str, Any]]:
    """The result of each case by title, also after a crash: the cases after it get a new process."""
    budget, file = Budget(limit_s), check.work / "stages.jsonl"
    waiting = list(cases)
    while waiting and budget.left_s >= MIN_CASE_S:
        order = {
            "root": str(check.work / "stages"), "params": str(check.params), "clip": str(check.clip),
            "device": check.device or REHEARSAL_DEVICE, "cases": waiting, "results": str(file),
            "case_limit_s": max(MIN_CASE_S, limit_s * CASE_SHARE),
        }  # fmt: skip
        ended = "the process ended"
        try:
            _run_module("stage_cases", check.environment, budget.left_s, json.dumps(order))
        except subprocess.TimeoutExpired:
            ended = "not ended within the time of this part"
        except subprocess.CalledProcessError as error:
            ended = f"the process ended with code {error.returncode}"
        done = read_case_lines(file, ended)
        if not done.keys() & set(waiting):
            raise RuntimeError(f"the process of the stages must start a case, got none: {ended}; see its output above")
        waiting = [title for title in waiting if title not in done]
    found = read_case_lines(file, "")
    return found | {title: {"status": "not reached", "error": "no time was left"} for title in waiting}


def read_case_lines(file: Path, ended: str) -> dict[str, dict[str, Any]]:
    """The last line of each case; one that was started and has no result failed because `ended`.

    That is appended to the file, so that later calls see it.
    """
    found: dict[str, dict[str, Any]] = {}
    if file.is_file():
        for text in file.read_text(encoding="utf-8").splitlines():
            line: dict[str, Any] = json.loads(text)
            found[line.pop("case")] = line
    for title, line in found.items():
        if line["status"] == "started":
            line |= {"status": "failed", "error": ended}
            with file.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"case": title, **line}) + "\n")
    return found


def run_whole(check: Check, name: str, film_s: float, changes: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
    """Figures of a whole run of the clip's first `film_s` with some parameters changed (whole_run.py).

    Raises RuntimeError, naming the stages that were done, where it takes longer than `limit_s`.
    """
    results = check.work / f"{name}.json"
    sections = {"compute": {"device": check.device or "cpu"}, "estimate_pose": YOLO_POSES, **changes}
    order = {
        "root": str(check.work / name), "clip": str(check.clip), "film_s": film_s, "params": str(check.params),
        "changes": sections, "results": str(results),
    }  # fmt: skip
    try:
        _run_module("whole_run", check.environment, limit_s, json.dumps(order))
    except subprocess.TimeoutExpired:
        done = json.loads(results.read_text(encoding="utf-8"))["stage_s"] if results.is_file() else {}
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in done.items()) or "no stage"
        raise RuntimeError(f"the run must end within {limit_s:.0f} s, got done in this time: {stages}") from None
    return json.loads(results.read_text(encoding="utf-8"))


def is_good(results: Mapping[str, Any]) -> bool:
    """Whether all parts are ok, all stages agree, and no test failed."""
    parts: Mapping[str, Any] = results["parts"]
    cases: Mapping[str, Any] = parts.get("stages", {}).get("result") or {}
    agree = all(
        case["status"] == "ok" and all(one["ok"] for one in case["agreement"].values()) for case in cases.values()
    )
    tests = parts.get("gpu_tests", {}).get("result") or {"failed": 0}
    return agree and not tests["failed"] and all(part["status"] == "ok" for part in parts.values())


def write_results(results: Mapping[str, Any], folder: Path) -> None:
    """Write gpu_check.json and gpu_check.md."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu_check.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "gpu_check.md").write_text(render_results(results), encoding="utf-8")


def _run_tests(check: Check, limit_s: float) -> dict[str, Any]:
    return run_gpu_tests(CHECKOUT, check.work, check.environment, limit_s)


def _find_clip(installed: Installed, environment: Mapping[str, str], work: Path) -> Path:
    """The clip of the folder, else the sample of this name from the cache or the package registry."""
    if installed.clips is not None:
        return sorted(installed.clips.glob("*.mp4"))[0]
    code = (
        "import sys; from pathlib import Path; from benchmarks.gpu_check.pack import write_clip; "
        "write_clip(Path(sys.argv[1]))"
    )
    clip = work / "clip.mp4"
    subprocess.run([sys.executable, "-c", code, str(clip)], env=dict(environment), cwd=CHECKOUT, check=True)
    return clip


def _run_module(name: str, environment: Mapping[str, str], limit_s: float, *words: str, capture: bool = False) -> str:
    """Run a module of this package in a process group of its own, which is killed after `limit_s`.

    Gives its standard output with `capture`. Raises CalledProcessError or TimeoutExpired.
    """
    command = [sys.executable, "-m", f"benchmarks.gpu_check.{name}", *words]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=dict(environment), text=True, start_new_session=True,
        stdout=subprocess.PIPE if capture else None,
    ) as process:  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit_s)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, name)
    return output or ""
