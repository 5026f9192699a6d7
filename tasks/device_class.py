"""What kind of device an artifact's bytes depend on, beside its ingredients.

Most stages give the same bytes on every x86-64 processor with AVX2 (kernels.py). Those that do not name the libraries
whose kernels differ; machines of one class give the same bytes, and those of another class the same up to rounding.
"""

from __future__ import annotations

import platform
from collections.abc import Collection
from typing import Literal

from tasks.kernels import AVX2, AVX512, processor_flags

Kernels = Literal["onnxruntime", "torch", "cuda"]
"""onnxruntime, torch: computes on the processor with kernels that are chosen by its instruction sets.
cuda: computes on the accelerator where the device is one."""


def device_class(device: str, kernels: Collection[Kernels]) -> str:
    """The class of machines that give the same bytes: "" for all with AVX2; else as in cpu-avx512 or cuda-sm90.

    `device` is what resolve_device gives. On CUDA a stage that also computes on the processor depends on both.
    """
    parts = [f"cuda-sm{capability(device)}"] if device.startswith("cuda") and "cuda" in kernels else []
    level = processor_class(processor_flags())
    if level not in ("cpu-avx2", "cpu-avx512") or {"onnxruntime", "torch"} & set(kernels):
        parts.append(level)
    return "+".join(parts)


def processor_class(flags: frozenset[str]) -> str:
    """cpu-avx512, cpu-avx2, or where there is neither, the machine's kind: nothing is promised between those."""
    if flags >= AVX2 | AVX512:
        return "cpu-avx512"
    return "cpu-avx2" if flags >= AVX2 else f"cpu-{platform.machine().lower() or 'unknown'}"


def capability(device: str) -> str:
    """Compute capability of a CUDA device, as in 90: cuBLAS and cuDNN choose kernels by it."""
    import torch

    major, minor = torch.cuda.get_device_capability(device)
    return f"{major}{minor}"
