"""What this machine is said to be: no stage imports it."""

from __future__ import annotations

from tasks import device_class

KIND = "cpu-avx2"


def install() -> None:
    """Say KIND wherever the engine asks what a stage with kernels runs on."""
    device_class.classify_device = lambda device, kernels: KIND if kernels else ""
