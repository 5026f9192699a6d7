"""Dense flow against ground truth: `semflow eval flow --data DIR`.

Every folder at any depth below DIR with `frame1.*`, `frame2.*` and `flow.flo` (Middlebury's format; components of 1e9
and more mean unknown) is a pair; its flow is estimated by the stage's own backend at its own size. EPE in pixels (Baker
et al., 2011) and Fl, KITTI's share of outliers in per cent, are taken over known pixels, `combined` over those of all
pairs together. EPE_stored and Fl_stored are the same after encoding and decoding as in the artifact, and `added` is the
mean distance by which that moves a vector, over all pixels; `share` is its size against float32, per cent.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.score_table import SuiteScores
from tasks.arrays import FlowField, Image
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.device import resolve_device
from tasks.errors import BadInput
from tasks.estimate_flow.flow_backend import FlowBackend, open_flow_backend
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.geometry.flow_error import compute_endpoint_errors, find_fl_outliers
from tasks.geometry.flow_file import read_flo
from tasks.params import Compute, ParamSections

BACKENDS = ("dis", "farneback", "raft-small", "raft")
FLOAT32_BYTES = 8  # per vector


@dataclass(frozen=True)
class FlowPairCase:
    """One pair of images with its true flow."""

    name: str
    first: Image
    second: Image
    truth: FlowField


@dataclass(frozen=True)
class FlowErrors:
    """Errors of one pair, pixel by pixel, so that pairs can be pooled."""

    distance: NDArray[np.float64]
    """Endpoint errors of known pixels."""
    outlier: NDArray[np.bool_]
    """Whether each of them is a Fl outlier."""
    distance_stored: NDArray[np.float64]
    outlier_stored: NDArray[np.bool_]
    moved: NDArray[np.float32]
    """Distance by which encoding moved each vector, all pixels."""
    stored_bytes: int

    def to_metrics(self) -> dict[str, float]:
        """Metrics by name."""
        return {
            "EPE": float(self.distance.mean()),
            "Fl": 100 * float(self.outlier.mean()),
            "EPE_stored": float(self.distance_stored.mean()),
            "Fl_stored": 100 * float(self.outlier_stored.mean()),
            "added": float(self.moved.mean()),
            "share": 100 * self.stored_bytes / (FLOAT32_BYTES * len(self.moved)),
        }

    @classmethod
    def pool_pairs(cls, parts: list[FlowErrors]) -> FlowErrors:
        """The errors of all pixels of all pairs."""
        arrays = ("distance", "outlier", "distance_stored", "outlier_stored", "moved")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
        return cls(**joined, stored_bytes=sum(part.stored_bytes for part in parts))


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option("--backend", type=click.Choice(BACKENDS), help="instead of estimate_flow.backend in params.yaml")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score dense optical flow: end-point error and KITTI's share of outliers."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """EPE and Fl per pair and over all pixels of all pairs."""
    settings = params.get_section(EstimateFlowParams)
    if arguments.backend:
        settings = settings.model_copy(update={"backend": arguments.backend})
    compute = params.get_section(Compute)
    backend = open_flow_backend(settings, resolve_device(compute.device) if settings.network else "cpu", compute.batch)
    errors = {item.name: measure_flow_errors(item, backend, settings) for item in find_flow_pairs(arguments.data)}
    return SuiteScores(
        "flow",
        {name: found.to_metrics() for name, found in errors.items()},
        FlowErrors.pool_pairs(list(errors.values())).to_metrics(),
    )


def measure_flow_errors(item: FlowPairCase, backend: FlowBackend, params: EstimateFlowParams) -> FlowErrors:
    """Errors of the estimated flow from the first image of `item` to the second."""
    flow, _ = next(iter(backend.estimate([item.first, item.second])))
    height, width = flow.shape[:2]
    encoding = FlowEncoding(height, width, params.stored_grid, params.stored_steps_per_px)
    data = encoding.encode(flow)
    stored = encoding.decode(data)
    return FlowErrors(
        distance=compute_endpoint_errors(flow, item.truth),
        outlier=find_fl_outliers(flow, item.truth),
        distance_stored=compute_endpoint_errors(stored, item.truth),
        outlier_stored=find_fl_outliers(stored, item.truth),
        moved=np.linalg.norm(stored - flow, axis=2).reshape(-1),
        stored_bytes=len(data),
    )


def find_flow_pairs(folder: Path) -> Iterator[FlowPairCase]:
    """The pairs at any depth below `folder`, by name; BadInput where there are none, or one is incomplete."""
    found = sorted(folder.rglob("flow.flo"))
    if not found:
        raise BadInput(f"{folder} must hold folders with frame1.*, frame2.* and flow.flo, got none")
    for path in found:
        first, second = (_read_frame(path.parent, stem) for stem in ("frame1", "frame2"))
        truth = read_flo(path)
        if not first.shape[:2] == second.shape[:2] == truth.shape[:2]:
            raise BadInput(
                f"{path.parent} must hold images and a flow of one size, "
                f"got {first.shape[:2]}, {second.shape[:2]} and {truth.shape[:2]}"
            )
        name = path.parent.relative_to(folder).as_posix()
        yield FlowPairCase(folder.name if name == "." else name, first, second, truth)


def _read_frame(folder: Path, stem: str) -> Image:
    import cv2

    files = sorted(folder.glob(f"{stem}.*"))
    image: Any = cv2.imread(str(files[0]), cv2.IMREAD_COLOR_RGB) if files else None
    if image is None:
        raise BadInput(f"{folder} must hold {stem}.* as an image, got {files[0].name if files else 'none'}")
    return image
