"""What a worker is told to make, and what it answers: plain values that cross a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flows.engine.recipe import Outputs


@dataclass(frozen=True)
class WorkerSetup:
    """What every worker of a run knows."""

    root: str
    pipeline: str
    """`package.module:NAME` of the stages."""
    compute: Mapping[str, Any]
    """The section `compute` of params.yaml."""
    threads: int
    """How many threads a worker may use."""


@dataclass(frozen=True)
class Job:
    """One item to make, its inputs being there."""

    stage: str
    video: str
    inputs: Mapping[str, str | Mapping[str, str]]
    """Argument name to a path, or for the artifacts of a whole dataset video to path."""
    outputs: tuple[tuple[str, str], ...]
    """(artifact folder, final path), in the order in which the stage returns them."""
    checkpoints: str
    """Folder for the parts of an item that takes long."""
    known: Outputs = field(default_factory=dict[str, Any])
    """What came out for this key before, if it did: to be taken from the object store where it is there."""
    frames: str = ""
    """The video's frames artifact, whose rows say how long it is."""
    is_restore_only: bool = False
    """Whether the item must come from the object store, since nothing that it reads is here."""


@dataclass(frozen=True)
class JobResult:
    """What became of a job."""

    status: Literal["computed", "restored", "fault", "error"]
    """fault: the input is to blame (BadInput). error: anything else went wrong."""
    outputs: Outputs = field(default_factory=dict[str, Any])
    seconds: float = 0.0
    frames: int = 0
    message: str = ""
    transient: bool = False
    """Whether an error may pass by itself: the machine's (I/O, memory), not the code's."""
    details: str = ""
    """The traceback of an error."""
