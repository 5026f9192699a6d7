"""Memory that items need on an accelerator: measured where they run, remembered, and kept to when more are started.

A stage that was not measured yet counts with ACCELERATOR_ITEM_BYTES. What was measured holds for the parameters and the
batch size that it was measured with, as these decide the sizes of images and batches.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.device import ACCELERATOR_ITEM_BYTES, read_device_memory

if TYPE_CHECKING:
    from flows.engine.project import Project

MEMO = "device memory of "
MARGIN = 1.25
"""Times what was measured: other films of the same parameters differ in shape, and memory fragments."""
PROCESS_BYTES = 1e9
"""Of a process beside what PyTorch counts: CUDA context, kernels and workspaces. An allowance, not a measurement."""


@dataclass
class PeakMemory:
    """The most memory that PyTorch held on a device during an item."""

    bytes: int = 0
    """0 where no CUDA device was used."""


@contextmanager
def measure_device_memory() -> Generator[PeakMemory]:
    """Measure what happens inside; afterwards memory that PyTorch only keeps for later is given back to the device."""
    found = PeakMemory()
    for index in _list_devices():
        sys.modules["torch"].cuda.reset_peak_memory_stats(index)
    try:
        yield found
    finally:
        # Listed again, since the item may be the first to use CUDA in this process.
        for index in (devices := _list_devices()):
            found.bytes = max(found.bytes, sys.modules["torch"].cuda.max_memory_reserved(index))
        if devices:
            sys.modules["torch"].cuda.empty_cache()


def _list_devices() -> range:
    """The CUDA devices that this process has begun to use; none without PyTorch, which is not imported for it."""
    torch = sys.modules.get("torch")
    return range(torch.cuda.device_count() if torch is not None and torch.cuda.is_initialized() else 0)


def save_device_memory(project: Project, stage: str, peak_bytes: int) -> None:
    """Remember what an item of `stage` held at most, where it is more than before; 0 says nothing."""
    if peak_bytes == 0:
        return  # on a CPU: every item asks
    key = _describe_conditions(project)
    known = project.state.read_memo(f"{MEMO}{stage}") or {}
    before = known.get("bytes", 0) if known.get("key") == key else 0
    if peak_bytes > before:
        project.state.save_memo(f"{MEMO}{stage}", {"key": key, "bytes": peak_bytes})


def estimate_device_memory(project: Project, stage: str) -> float:
    """Bytes of the accelerator that an item of `stage` needs, with its process."""
    known = project.state.read_memo(f"{MEMO}{stage}")
    if known is None or known.get("key") != _describe_conditions(project):
        return ACCELERATOR_ITEM_BYTES
    return MARGIN * known["bytes"] + PROCESS_BYTES


def has_device_room(project: Project, stage: str, in_hand: Iterable[str]) -> bool:
    """Whether an item of `stage` may start beside items of the stages `in_hand`.

    True on a CPU, for stages that do not use the accelerator, and where nothing else uses it.
    """
    declarations = project.by_name
    users = [other for other in in_hand if declarations[other].accelerator]
    if not users or not declarations[stage].accelerator or project.device == "cpu":
        return True
    needed = sum(estimate_device_memory(project, user) for user in (stage, *users))
    return needed <= read_device_memory(project.device)


def _describe_conditions(project: Project) -> str:
    """A hash over the parameters of all stages and the batch size."""
    params = {one.name: dict(one.method.params) for one in project.declarations}
    text = json.dumps([project.compute.get("batch"), params], sort_keys=True, default=str)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
