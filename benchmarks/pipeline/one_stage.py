"""One stage of one video in a process of its own: what it costs, and the memory that it takes at most.

Resident memory counts the pages of mapped files too (frames, flow). They grow with the film, and the system takes them
back where memory is short. What a process cannot do without is its anonymous memory; its peak is found by samples.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.engine.project import Project
from flows.pipeline import STAGES
from tasks.artifacts.artifact import DATASET_ITEM, Artifact, UserInput
from tasks.artifacts.raw_video import RawVideo
from tasks.checkpoints import Checkpoints
from tasks.params import Compute
from tasks.stage import Stage

MAX_RSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""Unit of ru_maxrss."""
SAMPLE_S = 0.02
"""Time between two samples of a process's memory."""
WITHOUT_FILE = ("RssAnon", "RssShmem")
"""Fields of /proc/PID/status: resident memory that no file holds, kB."""


@dataclass(frozen=True)
class ProcessCost:
    """What a process that computed one stage took."""

    cpu_s: float
    """Without its imports of libraries as far as the stage's module does them."""
    peak_bytes: int
    """Resident memory at most; libraries, models and pages of mapped files included."""
    anonymous_bytes: int | None
    """Resident memory at most that no file holds; None where the system does not tell (macOS)."""


def measure_stage(root: Path, stage: str, video: str) -> ProcessCost:
    """Compute `stage` of `video` from the artifacts in the project at `root`, and put what it makes there."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        status = Path("/proc", str(process.submit(os.getpid).result()), "status")
        running = process.submit(_run_stage, root, stage, video)
        anonymous = _sample_peak(status, running)
        cpu_s, peak_bytes = running.result()
    return ProcessCost(cpu_s, peak_bytes, anonymous)


def read_anonymous_bytes(status: Path) -> int | None:
    """Resident memory that no file holds, from a process's /proc/PID/status; None without such a file."""
    try:
        lines = status.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = (line.split() for line in lines)
    return sum(int(field[1]) * 1024 for field in fields if field and field[0].rstrip(":") in WITHOUT_FILE)


def _sample_peak(status: Path, running: Future[Any]) -> int | None:
    """The largest of the samples that are taken while a process runs."""
    samples = [read_anonymous_bytes(status)]
    while wait([running], timeout=SAMPLE_S).not_done:
        samples.append(read_anonymous_bytes(status))
    return max((sample for sample in samples if sample is not None), default=None)


def _run_stage(root: Path, name: str, video: str) -> tuple[float, int]:
    """Processor seconds of the stage and resident bytes at most."""
    project = Project.open(root, STAGES)
    try:
        stage = next(stage for stage in STAGES if stage.name == name)
        arguments = _make_arguments(project, stage, video)
        began = time.process_time()
        made = stage.function(**arguments)
        item = DATASET_ITEM if stage.over_dataset else video
        for kind, artifact in zip(stage.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            path = kind.path(root, item)
            path.parent.mkdir(parents=True, exist_ok=True)
            artifact.save(path)
        cpu_s = time.process_time() - began
    finally:
        project.close()
    return cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAX_RSS_BYTES


def _make_arguments(project: Project, stage: Stage[..., Any], video: str) -> dict[str, Any]:
    arguments: dict[str, Any] = {name: _open(project, kind, video) for name, kind in stage.inputs.items()}
    arguments["params"] = project.params[stage.name]
    sections = {type(section): section for section in project.params.values()}
    arguments |= {name: sections[kind] for name, kind in stage.extra_params.items()}
    compute = project.params["compute"]
    for name, kind in stage.injected.items():
        parts = project.root / ".semflow/parts"
        arguments[name] = compute if kind is Compute else Checkpoints.open_folder(parts)
    return arguments


def _open(project: Project, kind: type[Artifact], video: str) -> Any:
    if kind is RawVideo:
        return RawVideo(next((project.root / RawVideo.FOLDER).glob(f"{video}.*")), video)
    if issubclass(kind, UserInput):
        return kind.absent()
    of_video = kind.path(project.root, video)
    return kind.load(of_video if of_video.exists() else kind.path(project.root, DATASET_ITEM))
