"""One choice of numeric kernels on every x86-64 processor with AVX2, so that such machines give the same bytes.

Libraries choose kernels by the processor when they are first loaded, and others add in another order. With AVX-512
NumPy, OpenBLAS, OpenCV and ATen would take wider ones; here they are told to stay with AVX2, which is also what they
take without AVX-512. Nothing is pinned in onnxruntime, which cannot be told, and in oneDNN and MKL, whose wider kernels
are worth their speed: stages that compute with these say so (`kernels` of @stage, see device_class.py). OpenBLAS gets
one thread on every processor: with more it splits matrix products otherwise, and their last bits differ.
Measured in docs/decisions/0001-bytes-and-devices.md.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
KERNELS_VARIABLE = "SEMFLOW_KERNELS"
"""`free` leaves the choice to the libraries, for measurements."""
AVX2 = frozenset({"avx2", "fma"})
AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
"""What NumPy's X86_V4, OpenCV's AVX512-SKX, ATen's and oneDNN's AVX-512 kernels need."""


def pin_kernels() -> None:
    """Set what libraries read when they are loaded; must come before any of them is imported."""
    if os.environ.get(KERNELS_VARIABLE) != "free":
        os.environ |= choose_kernel_settings(processor_flags())


def choose_kernel_settings(flags: frozenset[str]) -> Mapping[str, str]:
    """The environment variables for a processor with these flags; kernels are chosen only where it has AVX2."""
    found = {"OPENBLAS_NUM_THREADS": "1"}
    if not flags >= AVX2:
        return found
    found |= {
        "OPENBLAS_CORETYPE": "Haswell",  # the AVX2 kernels, also of AMD's Zen
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "ATEN_CPU_CAPABILITY": "avx2",
        "OPENCV_IPP": "avx2",
    }
    if flags >= AVX512:  # OpenCV complains about one that is not there
        found["OPENCV_CPU_DISABLE"] = "AVX512-SKX"
    return found


def processor_flags() -> frozenset[str]:
    """Instruction sets of the processor as Linux names them; none where that cannot be read, or on other kinds."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    return frozenset(read_cpuinfo().get("flags", "").split()) if x86 else frozenset()


@cache
def read_cpuinfo() -> Mapping[str, str]:
    """What Linux says of the first processor, as `vendor_id`, `cpu family` or `model`; nothing on other systems."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = [line.partition(":") for line in text.partition("\n\n")[0].splitlines()]
    return {name.strip(): value.strip() for name, _, value in lines}
