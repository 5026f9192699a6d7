"""Every stage with a CUDA path on both devices: results compared, time per frame, ratio.

`python -m benchmarks.gpu_check.stage_cases ORDER` runs in a process of its own and appends a line per case to a file,
so that a crash or a full budget costs only the case in hand (see run_cases in command.py).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import threading
import traceback
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu_check.stage_runs import BY_NAME, LONG, SHORT, StageRunner
from benchmarks.gpu_check.tolerances import TOLERANCES
from tasks import device as device_module

POISONED, TOO_LONG = 3, 4
"""Exit codes after an error of CUDA, which leaves the process unable to compute on it, and after a case that took too
long: the cases after it need a new process."""


@dataclass(frozen=True)
class StageCase:
    """A stage that is compared."""

    title: str
    stage: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cpu_clip: str = LONG
    """The clip on which the devices are compared: a short one for a network that takes seconds per frame on a CPU."""
    rehearsed: bool = True
    """Whether a rehearsal takes the path for an accelerator; not where half precision takes minutes on a CPU."""


CASES = (
    StageCase("detect", "detect"),
    StageCase("extract_features", "extract_features"),
    StageCase("match", "match", {"strides": [4]}),  # the short clip has no frame 8 later
    StageCase("estimate_flow, RAFT", "estimate_flow", {"backend": "raft-small"}, cpu_clip=SHORT, rehearsed=False),
    StageCase(
        "estimate_pose, YOLO", "estimate_pose", {"backend": "yolo", "keypoint_score": 0.5}
    ),  # RTMPose computes on the CPU everywhere
    StageCase("classify", "classify", rehearsed=False),
    StageCase("fit_field", "fit_field"),
)
"""The most used first."""
REHEARSAL_DEVICE = "cpu:0"
"""Torch's own name of the CPU. Stages take their path for an accelerator with it, also in half precision."""


def run_case(runner: StageRunner, case: StageCase, device: str) -> dict[str, Any]:
    """Agreement, seconds per frame on both devices and their ratio."""
    from benchmarks.gpu_check.comparisons import COMPARISONS

    stage, second = BY_NAME[case.stage], runner.root / "second"
    is_rehearsal = device == REHEARSAL_DEVICE
    device = "cpu" if is_rehearsal and not case.rehearsed else device
    cpu_clip, device_clip = (SHORT, SHORT) if is_rehearsal else (case.cpu_clip, LONG)
    for clip in {SHORT, cpu_clip, device_clip}:
        runner.ensure_inputs(stage, clip)
    # What the CPU makes with the default parameters is what later stages read.
    first = runner.root / "variant" if case.params else runner.root
    if cpu_clip != SHORT:
        runner.run_stage(stage, SHORT, "cpu", first, case.params)  # loads the model
    on_cpu = runner.run_stage(stage, cpu_clip, "cpu", first, case.params)
    cold = runner.run_stage(stage, SHORT, device, second, case.params)
    on_device = runner.run_stage(stage, device_clip, device, second, case.params)
    compared = cold if cpu_clip == SHORT else on_device
    agreement: dict[str, Any] = {}
    for kind, path in on_cpu.outputs.items():
        if kind in COMPARISONS:
            name = Path(kind.FOLDER).name
            value = COMPARISONS[kind](kind.load(path), kind.load(compared.outputs[kind]))
            # JSON has no NaN, which says that there was nothing to compare.
            agreement[name] = {"value": None if math.isnan(value) else value, "ok": TOLERANCES[name].accepts(value)}
    cpu_s, device_s = on_cpu.seconds / on_cpu.frames, on_device.seconds / on_device.frames
    return {
        "cpu_ms_per_frame": 1000 * cpu_s,
        "device_ms_per_frame": 1000 * device_s,
        "ratio": cpu_s / device_s,
        "frames": {"cpu": on_cpu.frames, "device": on_device.frames},
        "cold_s": cold.seconds,
        "agreement": agreement,
        **read_peak_memory(device),
    }


def read_peak_memory(device: str) -> dict[str, float]:
    """Peak memory of tensors on a CUDA device since the last call, MB; nothing for a CPU."""
    if not device.startswith("cuda"):
        return {}
    import torch

    peak = torch.cuda.max_memory_allocated(device) / 1e6
    torch.cuda.reset_peak_memory_stats(device)
    return {"peak_device_mb": peak}


def main(order_text: str) -> int:
    """Run the cases of an order and append their results; gives POISONED where CUDA failed."""
    order: dict[str, Any] = json.loads(order_text)
    if order["device"] == REHEARSAL_DEVICE:
        allow_rehearsal_device()
    results = Path(order["results"])
    runner = StageRunner.open(Path(order["root"]), Path(order["params"]), Path(order["clip"]))
    for case in CASES:
        if case.title not in order["cases"]:
            continue
        append_line(results, {"case": case.title, "status": "started"})
        try:
            with limit_time(float(order["case_limit_s"]), results, case.title):
                found = run_case(runner, case, order["device"])
            append_line(results, {"case": case.title, "status": "ok", **found})
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            append_line(results, {"case": case.title, "status": "failed", "error": message})
            traceback.print_exc()
            if is_device_error(error):
                return POISONED
    return 0


def allow_rehearsal_device() -> None:
    """Let stages of this process be computed on REHEARSAL_DEVICE, which params.yaml may not name."""
    resolve = device_module.resolve_device
    device_module.resolve_device = lambda wanted: wanted if wanted == REHEARSAL_DEVICE else resolve(wanted)


@contextlib.contextmanager
def limit_time(limit_s: float, results: Path, title: str) -> Generator[None]:
    """End this process if the block takes longer, and say so in the results; code that hangs cannot be interrupted."""

    def end() -> None:
        append_line(results, {"case": title, "status": "failed", "error": f"took more than {limit_s:.0f} s"})
        os._exit(TOO_LONG)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_device_error(error: BaseException) -> bool:
    """Whether CUDA itself failed, so that every later call in this process fails too."""
    return type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error)


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line of JSON."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
