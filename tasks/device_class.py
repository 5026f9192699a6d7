"""The kind of device that an artifact's bytes depend on."""

from __future__ import annotations


def device_class(device: str, kernels: tuple[str, ...]) -> str:
    """ "" where nothing depends on the device."""
    return "" if not kernels else device
