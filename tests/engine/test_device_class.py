"""Kinds of devices: which machines give the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.pipeline import STAGES
from tasks import device_class as module
from tasks.device_class import classify_device, classify_processor
from tasks.kernels import AVX2, AVX512, choose_kernel_settings
from tasks.params import Params, read_params

ZEN2, ZEN4, NEHALEM = AVX2 | {"sse4_2"}, AVX2 | AVX512, frozenset({"sse4_2"})


def on(monkeypatch: pytest.MonkeyPatch, flags: frozenset[str]) -> None:
    monkeypatch.setattr(module, "processor_flags", lambda: flags)
    facts = {"vendor_id": "AuthenticAMD", "cpu family": "23", "model": "49", "flags": " ".join(flags)}
    monkeypatch.setattr(module, "read_cpuinfo", lambda: facts)


def test_what_no_kernel_changes_is_the_same_on_every_processor_with_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags in (ZEN2, ZEN4):
        on(monkeypatch, flags)
        assert classify_device("cpu", ()) == classify_device("cpu", ("cuda",)) == ""


def test_what_a_library_chooses_kernels_for_depends_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, ZEN2)
    assert classify_device("cpu", ("onnxruntime", "cuda")) == "cpu-avx2"
    assert classify_device("cpu", ("torch", "cuda")) == "cpu-avx2-authenticamd-23-49"
    on(monkeypatch, ZEN4)
    assert classify_device("cpu", ("onnxruntime",)) == "cpu-avx512"


def test_nothing_is_promised_without_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, NEHALEM)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert classify_device("cpu", ()) == classify_device("cpu", ("onnxruntime",)) == "cpu-aarch64"


def test_on_cuda_the_kind_of_gpu_counts_where_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, ZEN4)
    monkeypatch.setattr(module, "read_cuda_capability", lambda _: "90")
    assert classify_device("cuda:0", ()) == ""
    assert classify_device("cuda:0", ("cuda",)) == "cuda-sm90"
    assert classify_device("cuda:0", ("onnxruntime", "cuda")) == "cuda-sm90+cpu-avx512"


def test_a_processor_with_half_of_avx512_counts_as_avx2() -> None:
    assert classify_processor(AVX2 | {"avx512f"}) == "cpu-avx2"


def test_kernels_are_pinned_to_avx2_and_nowhere_else() -> None:
    assert set(choose_kernel_settings(NEHALEM)) == {"OPENBLAS_NUM_THREADS"}, (
        "the AVX2 kernels of OpenBLAS would be an illegal instruction"
    )
    assert (
        choose_kernel_settings(ZEN2)["OPENBLAS_CORETYPE"]
        == choose_kernel_settings(ZEN4)["OPENBLAS_CORETYPE"]
        == "Haswell"
    )
    assert (
        "OPENCV_CPU_DISABLE" not in choose_kernel_settings(ZEN2)
        and choose_kernel_settings(ZEN4)["OPENCV_CPU_DISABLE"] == "AVX512-SKX"
    )


def test_the_class_of_a_processor_is_told_without_torch(checkout: Path) -> None:
    program = (
        "import sys; from tasks.device_class import classify_device; classify_device('cpu', ('torch',)); "
        "print({'torch', 'numpy', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_libraries_load_in_silence_with_kernels_pinned(checkout: Path) -> None:
    program = "import tasks, numpy, scipy.linalg, cv2, torch; print(torch.backends.cpu.get_cpu_capability())"
    environment = {name: value for name, value in os.environ.items() if name != "SEMFLOW_KERNELS"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=checkout, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert "AVX512" not in done.stdout


@pytest.fixture
def params(checkout: Path) -> dict[str, Params]:
    from tasks.params import Compute

    return read_params(checkout / "params.yaml", {"compute": Compute} | {stage.name: stage.params for stage in STAGES})


def test_every_stage_that_takes_turns_at_the_accelerator_depends_on_it(params: dict[str, Params]) -> None:
    for stage in STAGES:
        if stage.accelerator or "torch" in stage.kernels:
            assert "cuda" in stage.kernels, stage.name


def test_what_a_stage_puts_to_use_is_among_what_it_declares(params: dict[str, Params]) -> None:
    section = {stage.params: params[stage.name] for stage in STAGES}
    used = {
        stage.name: stage.kernels_for(params[stage.name], *(section[kind] for kind in stage.extra_params.values()))
        for stage in STAGES
    }
    assert all(set(used[stage.name]) <= set(stage.kernels) for stage in STAGES)
    assert used["estimate_flow"] == used["track"] == used["fit_axes"] == (), "the defaults need no network"
    assert used["detect"] == ("onnxruntime", "cuda")
