"""`semflow eval SUITE`: list the evaluation suites, run one, and print its scores."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli.command_options import JSON_OPTION, LazyGroup, print_json
from tasks.errors import SemflowError

if TYPE_CHECKING:
    from flows.evaluate.score_table import SuiteScores
    from tasks.params import ParamSections

SUITES = {
    "action": ("flows.evaluate.action:command", "action recognition on labelled clips: top-1, top-5"),
    "coco": ("flows.evaluate.coco:command", "detection on COCO-like images: AP, AP50"),
    "davis": ("flows.evaluate.davis:command", "the semantic field on DAVIS, first mask given: overlap J, boundary F"),
    "features": ("flows.evaluate.feature_quality:command", "features alone: mask propagation (J), cell matching (PCK)"),
    "field": ("flows.evaluate.field:command", "the semantic field on synthetic scenes: mIoU; needs no data"),
    "flow": ("flows.evaluate.flow:command", "dense optical flow: end-point error, KITTI's outliers"),
    "match": ("flows.evaluate.match:command", "semantic flow: PCK on views and keypoints, overlap of masks"),
    "mot": ("flows.evaluate.mot:command", "multi-object tracking on MOTChallenge: HOTA, MOTA, IDF1"),
    "pose": ("flows.evaluate.pose:command", "poses: OKS AP on COCO keypoints, coverage on videos"),
    "shots": (
        "flows.evaluate.shot_boundaries:command",
        "cuts, fades and dissolves on joined clips: recall, false boundaries",
    ),
    "track-object": (
        "flows.evaluate.object_tracking:command",
        "tracking of an object and of points on synthetic scenes: IoU, survival; needs no data",
    ),
    "tracking": (
        "flows.evaluate.tracking:command",
        "multi-object tracking from film to identities: HOTA, IDF1, switches",
    ),
    "two_stream": ("flows.evaluate.two_stream:command", "both action streams on rendered figures; needs no data"),
}


@click.group(cls=LazyGroup, lazy=SUITES)
@JSON_OPTION
def command(as_json: bool) -> None:
    """Score stage functions against ground truth, with the values of params.yaml."""
    del as_json


def run_suite(evaluate: Callable[[Namespace, ParamSections], SuiteScores], options: Mapping[str, Any]) -> int:
    """Call `evaluate` with the values of the options and the sections of params.yaml, and print what comes back.

    The option `--data`, where there is one, must be a folder, else SemflowError.
    """
    from flows.cli.display import show_progress
    from flows.engine.project import Project, find_root
    from flows.evaluate.saved_scores import save_scores

    data: Path | None = options.get("data")
    if data is not None and not data.is_dir():
        raise SemflowError(f"--data must be a folder, got {data}")
    project = Project.open(find_root(Path.cwd()))
    with show_progress():
        scores = evaluate(Namespace(**options), project.params)
    saved = save_scores(project.root, scores, options) if options["save"] else None
    if options["as_json"]:
        print_json(scores.as_json())
    else:
        from rich.console import Console

        from flows.cli.console_scores import show_scores

        show_scores(Console(), scores)
        if saved is not None:
            click.echo(f"saved: {saved.relative_to(project.root)}; `git add` it, and `semflow diff` compares it")
    return 0
