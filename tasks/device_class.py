"""What kind of device an artifact's bytes depend on, beside its ingredients.

Most stages give the same bytes on every x86-64 processor with AVX2 (kernels.py). Those that do not name the libraries
whose kernels differ; machines of one class give the same bytes, and those of another class the same up to rounding.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping
from typing import Literal

from tasks.kernels import AVX2, AVX512, processor_flags, read_cpuinfo

Kernels = Literal["onnxruntime", "torch", "cuda"]
"""onnxruntime: computes on the processor with kernels that are chosen by its instruction sets.
torch: so too, with MKL's, which AMD's processors do not share with Intel's, and oneDNN's, which go by the caches.
cuda: computes on the accelerator where the device is one."""


def classify_device(device: str, kernels: Collection[Kernels]) -> str:
    """The class of machines that give the same bytes: "" for all with AVX2; else cpu-avx512, cuda-sm90 and the like.

    `device` is what resolve_device gives. On CUDA a stage that also computes on the processor depends on both.
    """
    parts = [f"cuda-sm{read_cuda_capability(device)}"] if device.startswith("cuda") and "cuda" in kernels else []
    level = classify_processor(processor_flags())
    if "torch" in kernels:
        parts.append(f"{level}-{name_processor_model(read_cpuinfo())}")
    elif "onnxruntime" in kernels or level not in ("cpu-avx2", "cpu-avx512"):
        parts.append(level)
    return "+".join(parts)


def classify_processor(flags: frozenset[str]) -> str:
    """cpu-avx512, cpu-avx2, or where there is neither, the machine's kind: nothing is promised between those."""
    if flags >= AVX2 | AVX512:
        return "cpu-avx512"
    return "cpu-avx2" if flags >= AVX2 else f"cpu-{platform.machine().lower() or 'unknown'}"


def name_processor_model(facts: Mapping[str, str]) -> str:
    """Maker, family and model as in authenticamd-23-49, of what Linux says; "unknown" for what it does not."""
    return "-".join(facts.get(name, "unknown").lower() for name in ("vendor_id", "cpu family", "model"))


def read_cuda_capability(device: str) -> str:
    """Compute capability of a CUDA device, as in 90: cuBLAS and cuDNN choose kernels by it."""
    import torch

    major, minor = torch.cuda.get_device_capability(device)
    return f"{major}{minor}"
