"""Compute one item in a worker: load the inputs, call the stage, save to temporary files, move them into place.

A kill at any point leaves no half-written artifact: files are written completely before they are moved, and the recipe
that makes them valid is written by the engine after the worker has sent its result.
"""

from __future__ import annotations

import contextlib
import functools
import stat
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from flows.engine.atomic_files import make_partial_path, move_into_place, remove_path
from flows.engine.device_memory import measure_device_memory
from flows.engine.file_marks import FileMark, read_mark, scan_folder
from flows.engine.interrupt import Interrupted
from flows.engine.job import Job, JobResult
from flows.engine.measures import measure_artifacts
from flows.engine.recipe import Files, Outputs
from flows.engine.storage import Storage
from tasks.artifacts.artifact import Dataset, UserInput
from tasks.artifacts.raw_video import RawVideo
from tasks.checkpoints import Checkpoints
from tasks.content_hash import md5_file
from tasks.errors import BadInput, SemflowError
from tasks.params import Compute, Params
from tasks.stage import Stage

TRANSIENT_ERRORS = ("OutOfMemoryError", "AcceleratorError")
"""Class names of torch's errors for a busy accelerator; a retry may succeed."""


def execute_job(job: Job, stage: Stage[..., Any], params: Mapping[str, Params], root: Path) -> JobResult:
    """Compute or restore one item and put its artifacts in place; failures are part of the result, not raised."""
    began = time.perf_counter()
    try:
        if job.known and restore_outputs(job, root):
            return _finish_job("restored", job, job.known, began)
        if job.is_restore_only:
            raise SemflowError(f"{job.stage} {job.video} must be in DVC's remote, got no such object; run `dvc pull`")
        with measure_device_memory() as peak:
            outputs = _compute(job, stage, params, root)
    except BadInput as error:
        remove_path(Path(job.checkpoints))
        return JobResult("fault", seconds=time.perf_counter() - began, message=str(error))
    except SemflowError as error:
        return JobResult("error", seconds=time.perf_counter() - began, message=str(error))
    except ImportError as error:
        # A package that is there may lack a library of the system: OpenCV libGL.so.1 on servers and in containers.
        message = f"every package that {job.stage} uses must load, got {error}; `semflow doctor` says what to install"
        return JobResult("error", seconds=time.perf_counter() - began, message=message, details=traceback.format_exc())
    except (Interrupted, KeyboardInterrupt):
        raise  # the run is being stopped (with InlineWorkers, this process is the run)
    except BaseException as error:  # SystemExit too: a stage must not end its worker
        return JobResult(
            "error",
            seconds=time.perf_counter() - began,
            message=f"{type(error).__name__}: {error}".removesuffix(": "),
            transient=isinstance(error, OSError | MemoryError) or type(error).__name__ in TRANSIENT_ERRORS,
            details=traceback.format_exc(),
        )
    remove_path(Path(job.checkpoints))
    return replace(_finish_job("computed", job, outputs, began), device_bytes=peak.bytes)


def _finish_job(status: Literal["computed", "restored"], job: Job, outputs: Outputs, began: float) -> JobResult:
    measures = measure_artifacts((folder, Path(path)) for folder, path in job.outputs)
    return JobResult(status, outputs, time.perf_counter() - began, count_frames(job.frames), measures)


def count_frames(path: str) -> int:
    """Number of rows of a frames artifact, read from the file's footer; 0 where the file cannot be read."""
    mark = read_mark(path) if path else None
    return 0 if mark is None else _count_rows(path, mark)


@functools.lru_cache(maxsize=16)
def _count_rows(path: str, mark: FileMark) -> int:
    """Rows of the file at `path`, read once while it has this mark: a worker computes several items of a video."""
    del mark
    import pyarrow.parquet as pq

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, ValueError):
        return 0  # used only for the frame rate that is displayed


def hash_files(path: Path) -> Files:
    """MD5 and size of the file at `path` (under the name ""), or of every file below it by relative name."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        return {name: (md5_file(path / name), mark.size) for name, mark in sorted(scan_folder(path).items())}
    return {"": (md5_file(path), found.st_size)}


def _compute(job: Job, stage: Stage[..., Any], params: Mapping[str, Params], root: Path) -> Outputs:
    """Call the stage and save its artifacts; gives the hash and size of each file."""
    arguments: dict[str, Any] = {name: _open_input(stage, name, place, job.video) for name, place in job.inputs.items()}
    arguments["params"] = params[stage.name]
    sections = {type(section): section for section in params.values()}
    arguments |= {name: sections[kind] for name, kind in stage.extra_params.items()}
    for name, kind in stage.injected.items():
        arguments[name] = params["compute"] if kind is Compute else Checkpoints.open_folder(Path(job.checkpoints))
    produced = stage.function(**arguments)
    made = produced if isinstance(produced, tuple) else (produced,)
    if len(made) != len(stage.outputs):
        raise SemflowError(f"{stage.name} must return {len(stage.outputs)} artifacts, got {len(made)}")
    outputs: dict[str, Files] = {}
    with contextlib.ExitStack() as partials:
        ready: list[tuple[Path, Path]] = []
        for (folder, final), artifact in zip(job.outputs, made, strict=True):
            beside = partials.enter_context(make_partial_path(Path(final), root / folder))
            artifact.save(beside)
            outputs[folder] = hash_files(beside)
            ready.append((beside, Path(final)))
        for beside, final in ready:
            move_into_place(beside, final)
    if job.is_kept:
        _store_outputs(root, job, outputs)
    return outputs


def _store_outputs(root: Path, job: Job, outputs: Outputs) -> None:
    """Copy the outputs into the object store, so that they can be restored when the same key is wanted again."""
    storage = Storage.open(root)
    if storage is None:
        return
    for folder, final in job.outputs:
        for name, (md5, _) in outputs[folder].items():
            storage.add_file(Path(final) / name if name else Path(final), md5)


def restore_outputs(job: Job, root: Path) -> bool:
    """Put the known outputs in place from the object store; False where an object is missing or damaged."""
    storage = Storage.open(root)
    if storage is None or not storage.ensure_local({md5 for files in job.known.values() for md5, _ in files.values()}):
        return False
    with contextlib.ExitStack() as partials:
        ready: list[tuple[Path, Path]] = []
        for folder, final in job.outputs:
            beside = partials.enter_context(make_partial_path(Path(final), root / folder))
            for name, (md5, _) in job.known[folder].items():
                target = beside / name if name else beside
                target.parent.mkdir(parents=True, exist_ok=True)
                if not storage.objects.restore_file(md5, target):
                    return False  # the object's bytes do not have its hash: compute instead
            ready.append((beside, Path(final)))
        for beside, final in ready:
            move_into_place(beside, final)
    return True


def _open_input(stage: Stage[..., Any], name: str, place: str | Mapping[str, str], video: str) -> Any:
    kind = stage.inputs[name]
    if kind is RawVideo and isinstance(place, str):
        return RawVideo(Path(place), video)
    if not isinstance(place, str):
        return Dataset(kind, {video: Path(path) for video, path in place.items()})
    return kind.open(Path(place)) if issubclass(kind, UserInput) else kind.load(Path(place))
