"""Makes `import torchvision` work with a torch of another build.

The torchvision of the package registry is compiled for CUDA. With a CPU-only torch its library cannot be loaded, and
`import torchvision` fails ("operator torchvision::nms does not exist"), although most of it is Python. ultralytics
imports it on several paths. So the operators it needs are declared, nms gets an implementation for the CPU, and it is
imported again. Where the import works, nothing is done.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

import numpy as np

from tasks.geometry.nms import non_maximum_suppression

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@cache
def make_torchvision_importable() -> Any:
    """The module torchvision, with our own CPU nms where its compiled part does not load; once per process."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        library = _declare_operators()
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    torchvision: Any = importlib.import_module("torchvision")
    torchvision.ops.boxes._assert_has_ops = _skip_check
    torchvision._semflow_library = library  # operators exist as long as the object that declared them
    return torchvision


def nms_on_cpu(dets: Any, scores: Any, iou_threshold: float) -> Any:
    """Indices of the (n, 4) xyxy boxes kept by non-maximum suppression, best score first: as torchvision.ops.nms."""
    import torch

    one_group = np.zeros(len(scores), np.int16)
    kept = non_maximum_suppression(
        dets.float().numpy(), scores.float().numpy(), one_group, iou_threshold, limit=len(scores)
    )
    return torch.from_numpy(kept)


def _declare_operators() -> Any:
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    library.impl("nms", nms_on_cpu, "CPU")
    return library


def _skip_check() -> None:
    """Replaces torchvision's check that its compiled operators exist."""
