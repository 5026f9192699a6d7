"""Looks with weights that are exported once and kept in the cache, on kernels that differ from device to device."""

from __future__ import annotations

from toyflow.artifacts import Facts, Looks, note
from toyflow.catalogue import exported

from tasks.params import Params
from tasks.stage import stage


class LookParams(Params):
    weights: str
    """Name in the catalogue."""


@stage(weights=lambda params: (params.weights,), kernels=("onnxruntime", "cuda"))
def look(facts: Facts, params: LookParams) -> Looks:
    note("look")
    return Looks(f"{facts.text} through {exported(params.weights).read_text(encoding='utf-8')}")
