"""Which device to compute on: chosen at run time, never part of a recipe."""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path

from tasks.errors import BadParams

DEVICE_PATTERN = r"^(auto|cpu|cuda(:[0-9]{1,3})?)$"
"""What may be asked for."""
ACCELERATOR_ITEM_BYTES = 8e9
"""Memory of a CUDA device for an item of a stage that was not measured yet: process, network and batch. RAFT and
I3D take the most, some gigabytes at 640x360."""


@cache
def resolve_device(wanted: str) -> str:
    """`cpu` or `cuda:N` for auto, cpu, cuda or cuda:N; BadParams where CUDA is asked for and not there.

    On CUDA matrix products of float32 are set to single precision. That is torch's default, but some containers ask for
    TF32, whose mantissa of ten bits would make the sums wrong that `match` computes exactly.
    """
    if wanted == "cpu":
        return "cpu"
    if re.search(DEVICE_PATTERN, wanted) is None:
        raise BadParams(f"compute.device must be auto, cpu, cuda or cuda:N, got {wanted!r}")
    if wanted == "auto" and not _may_have_cuda():
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(wanted.partition(":")[2] or 0)
    if index < count:
        torch.backends.cuda.matmul.allow_tf32 = False
        return f"cuda:{index}"
    if wanted == "auto":
        return "cpu"
    raise BadParams(
        f"compute.device must be one of the {count} CUDA devices here, got {wanted!r}; set it to auto or cpu"
    )


@cache
def read_device_memory(device: str) -> int:
    """Bytes of memory that a CUDA device has in all."""
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory)


def _may_have_cuda() -> bool:
    """False where no driver of an NVIDIA device is there, which costs nothing to see; importing torch takes seconds."""
    if platform.system() != "Linux":
        return platform.system() == "Windows"
    return Path("/dev/dxg").exists() or any(Path("/dev").glob("nvidia[0-9]*"))
