"""The messages between the run and a worker: setup, job and result, as plain values that can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flows.engine.recipe import Outputs


@dataclass(frozen=True)
class WorkerSetup:
    """What every worker of a run needs, sent once when it starts."""

    root: str
    pipeline: str
    """`package.module:NAME` of the stages."""
    compute: Mapping[str, Any]
    """The section `compute` of params.yaml."""
    threads: int
    """Threads that a worker may use."""


@dataclass(frozen=True)
class Job:
    """One item to compute or restore; its inputs are on disk."""

    stage: str
    video: str
    inputs: Mapping[str, str | Mapping[str, str]]
    """Argument name to a path; for an argument over the whole dataset, to a mapping of video to path."""
    outputs: tuple[tuple[str, str], ...]
    """(artifact folder, final path), in the order in which the stage returns them."""
    checkpoints: str
    """Folder for checkpoints of a long item."""
    known: Outputs = field(default_factory=dict[str, Any])
    """Outputs recorded earlier for this key, restored from the object store if all are there; {} for none."""
    frames: str = ""
    """Path of the video's frames artifact, whose number of rows is the number of frames; "" for none."""
    is_restore_only: bool = False
    """Whether the item must be restored from the object store, because its inputs are not on this machine."""
    is_kept: bool = True
    """Whether the outputs are put into the object store."""


@dataclass(frozen=True)
class JobResult:
    """The result of a job."""

    status: Literal["computed", "restored", "fault", "error"]
    """fault: the input is invalid (BadInput). error: any other failure."""
    outputs: Outputs = field(default_factory=dict[str, Any])
    seconds: float = 0.0
    frames: int = 0
    measures: Mapping[str, int | float] | None = None
    """Of the artifacts, see measures.py; None where they cannot be read."""
    device_bytes: int = 0
    """The most memory that it held on an accelerator; 0 where it used none."""
    message: str = ""
    transient: bool = False
    """Whether a retry may succeed: an error of the machine (I/O, memory), not of the code."""
    details: str = ""
    """The traceback of an error."""
