"""The results of the check as Markdown, for the README. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.gpu_check.tolerances import NOT_COMPARED, TOLERANCES

REHEARSAL = "REHEARSAL: no CUDA device here; the CPU stands in for both devices, so no figure below is a result."
RUNS: Mapping[str, str] = {
    "run_without_field": "without the semantic field",
    "run_with_field": "with it",
    "run_with_raft": "without it, RAFT-small in place of DIS",
}


def render_results(results: Mapping[str, Any]) -> str:
    """The whole page: machine, stages, runs, tests, what was not reached or failed."""
    machine: Mapping[str, Any] = results["machine"]
    device = machine.get("device_name") or "CPU by torch"
    blocks = [] if machine.get("device") else [REHEARSAL]
    versions = machine.get("versions", {})
    blocks += [
        f"Measured on {device}, {machine.get('processors', '?')} processors, Python {machine.get('python', '?')}, "
        f"PyTorch {versions.get('torch', '?')}, in {results['seconds']:.0f} s.",
        render_stages(results["parts"].get("stages", {}).get("result") or {}, device),
        render_runs(results["parts"]),
        render_tests(results["parts"].get("gpu_tests", {})),
        render_rest(results),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def render_stages(stages: Mapping[str, Mapping[str, Any]], device: str) -> str:
    """A row per stage: milliseconds per frame on both devices, ratio, agreement beside its bound."""
    rows = [["stage", "CPU, ms per frame", f"{device}, ms per frame", "ratio", "agreement", "bound"]]
    for title, case in stages.items():
        if case.get("status") != "ok":
            rows.append([title, "", "", "", f"{case.get('status')}: {_cut_line(case.get('error', ''))}", ""])
            continue
        for name, found in case["agreement"].items():
            value = "nothing to compare" if found["value"] is None else f"{found['value']:.5g}"
            verdict = "" if found["ok"] else " **outside**"
            rows.append([
                title, f"{case['cpu_ms_per_frame']:.1f}", f"{case['device_ms_per_frame']:.1f}", f"{case['ratio']:.1f}",
                f"{value}{verdict}", f"{TOLERANCES[name].describe()} ({TOLERANCES[name].measure})",
            ])  # fmt: skip
    return render_rows(rows) if len(rows) > 1 else ""


def render_runs(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """A row per whole run, and below the table the seconds of its stages."""
    stages: list[str] = []
    rows = [["whole run of a 640x360 clip", "film", "run", "multiple of real time", "from the first item on"]]
    for name, title in RUNS.items():
        run = parts.get(name, {}).get("result")
        if run:
            items = run["film_s"] / run["items_s"]
            rows.append(
                [
                    title,
                    f"{run['film_s']:.1f} s",
                    f"{run['wall_s']:.1f} s",
                    f"{run['film_s'] / run['wall_s']:.2f}",
                    f"{items:.2f}",
                ]
            )
            each = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in run["stage_s"].items())
            stages.append(f"Seconds of each stage {title}, several at once: {each}.")
    return "\n\n".join([render_rows(rows), *stages]) if stages else ""


def render_tests(part: Mapping[str, Any]) -> str:
    """Counts of the tests, and a line for each that did not pass."""
    found = part.get("result")
    if not found:
        return ""
    lines = [f"Tests marked `gpu`: {found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped."]
    lines += [f"- {name}: {_cut_line(reason)}" for name, reason in found["reasons"].items()]
    return "\n".join(lines)


def render_rest(results: Mapping[str, Any]) -> str:
    """What failed, was not reached, was left out of the folder, or cannot be imported."""
    lines = [
        f"- {name}: {part['status']}, {_cut_line(part['error'])}"
        for name, part in results["parts"].items()
        if part["status"] != "ok"
    ]
    lines += [f"- not compared: {name}, {reason}" for name, reason in NOT_COMPARED.items()]
    lines += [f"- random numbers in place of the weights {name}" for name in results.get("stand_ins", ())]
    missing: Mapping[str, str] = results["machine"].get("missing", {})
    lines += [f"- cannot be imported: {name}, {reason}" for name, reason in missing.items()]
    return "\n".join(lines)


def render_rows(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, the first row its head."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)


def _cut_line(text: str) -> str:
    return text.strip().partition("\n")[0]
