"""Evaluation of the semantic field against baselines on synthetic scenes: `semflow eval field`.

Scenes of `--seeds` seeds from `--first-seed` on (tasks/synthetic/scene), two of whose 24 frames are labelled; the score
is the IoU over all pixels of the others, mean over the classes that occur (mIoU). No data is needed, and the same seeds
give the same table on every machine. Rows of the kinds

- `methods/`: baselines, then the field; flow between neighbours is the ground truth;
- `ablations/`: the field without one of its components;
- `noise/`: the best baselines and the field, with noise (`--noise`) on the flow between neighbours, and with DIS flow;
- `removal/`: PSNR of the background behind a removed actor (field_removal.py), in dB.

`combined` holds the lead of the field over the best variant of each kind of baseline (by the mean over all seeds), and
the number of seeds in which it leads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import JSON_OPTION, SAVE_OPTION, ValuesCommand, list_option
from flows.cli.run_suite import run_suite
from flows.evaluate.field_methods import ABLATIONS, BASELINES, LabelMethod, make_ablation, propagate_field
from flows.evaluate.field_removal import REMOVERS, choose_actor, compute_psnr
from flows.evaluate.score_table import SuiteScores
from flows.evaluate.synthetic_case import SyntheticCase, make_case
from tasks.arrays import LabelMap
from tasks.errors import BadInput
from tasks.params import ParamSections
from tasks.synthetic.scene.synthetic_scene import SCENE_VERSION, Scene, SceneSettings, make_scene

FIRST_SEED = 7000  # seeds from here on were not used in any design decision
LABELLED_FRAMES = 2  # per scene
NOISE_PX = (0.5, 1.0, 2.0)

SeedScores = Mapping[str, float]
"""mIoU by seed."""


@dataclass(frozen=True, eq=False)
class FieldTrial:
    """A scene, and the input of the methods made from it."""

    scene: Scene
    case: SyntheticCase

    def score_method(self, method: LabelMethod) -> float:
        """mIoU of a method over the unlabelled frames."""
        held = [frame for frame in range(len(self.scene)) if frame not in self.case.labels]
        return mean_iou(self.scene.classes[held], method(self.case)[held])


@click.command(cls=ValuesCommand)
@click.option("--seeds", type=int, default=6, show_default=True, help="scenes")
@click.option("--first-seed", type=int, default=FIRST_SEED, show_default=True, help="of the first scene")
@list_option(
    "--noise",
    type=float,
    allow_empty=True,
    default=NOISE_PX,
    metavar="PX",
    help="standard deviations of flow noise to repeat it with, in pixels (.5 1 2)",
)
@click.option("--methods-only", is_flag=True, help="no ablations, noise and removal")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the semantic field on synthetic scenes: mIoU, ablations, PSNR of removal."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:  # noqa: ARG001
    """mIoU of methods, ablations and noise by seed, and the field's lead."""
    if arguments.seeds < 1:
        raise BadInput(f"--seeds must be at least 1, got {arguments.seeds}")
    scenes = [make_scene(arguments.first_seed + n, SceneSettings()) for n in range(arguments.seeds)]
    trials = [FieldTrial(scene, make_case(scene, LABELLED_FRAMES, 0.0)) for scene in scenes]
    methods = {name: method for kind in BASELINES.values() for name, method in kind.items()} | {
        "field": propagate_field
    }
    rows = {name: _score_seeds(trials, method) for name, method in methods.items()}
    items: dict[str, SeedScores] = {f"methods/{name}": row for name, row in rows.items()}
    combined = {"generator": float(SCENE_VERSION)} | dict(_compute_leads(rows))
    if not arguments.methods_only:
        parts = {name: _score_seeds(trials, make_ablation(name)) for name in ABLATIONS}
        items |= {f"ablations/{name}": row for name, row in parts.items()}
        combined |= {f"field {name}": row["mIoU"] - rows["field"]["mIoU"] for name, row in parts.items()}
        items |= dict(_score_noise(scenes, rows, arguments.noise))
        items |= (removal := dict(_score_removal(trials)))
        combined |= dict(_mean_psnr(removal.values()))
    return SuiteScores("field", items, combined)


def mean_iou(truth: LabelMap, found: LabelMap) -> float:
    """Mean over the classes of `truth` of their intersection over union, over all pixels together."""
    count = int(max(truth.max(), found.max())) + 1
    pairs = truth.astype(np.int64).ravel() * count + found.ravel()
    confusion = np.bincount(pairs, minlength=count * count).reshape(count, count)
    both: NDArray[np.int64] = np.diag(confusion)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    occurs = confusion.sum(axis=1) > 0
    return float((both[occurs] / either[occurs]).mean())


def select_best(rows: Mapping[str, SeedScores], names: Iterable[str]) -> str:
    """The one of `names` with the highest mIoU."""
    return max(names, key=lambda name: rows[name]["mIoU"])


def _score_seeds(trials: Sequence[FieldTrial], method: LabelMethod) -> SeedScores:
    scores = {str(trial.scene.seed): trial.score_method(method) for trial in trials}
    return {"mIoU": float(np.mean(list(scores.values())))} | scores


def _compute_leads(rows: Mapping[str, SeedScores]) -> Iterator[tuple[str, float]]:
    ours = rows["field"]
    for kind, variants in BASELINES.items():
        theirs = rows[select_best(rows, variants)]
        yield f"field over {kind}", ours["mIoU"] - theirs["mIoU"]
        yield f"field wins over {kind}", float(sum(ours[seed] > theirs[seed] for seed in ours if seed != "mIoU"))


def _score_noise(
    scenes: Sequence[Scene], rows: Mapping[str, SeedScores], noise: Sequence[float]
) -> Iterator[tuple[str, SeedScores]]:
    """mIoU of the field and the best flow baseline with increasing flow noise; None is DIS flow."""
    variants = BASELINES["flow"]
    rival = select_best(rows, variants)
    asked: dict[str, LabelMethod] = {rival: variants[rival], "field": propagate_field}
    levels: list[float | None] = [*noise, None]
    for px in levels:
        trials = [FieldTrial(scene, make_case(scene, LABELLED_FRAMES, px)) for scene in scenes]
        for name, method in asked.items():
            yield f"noise/{name}, {'DIS' if px is None else f'{px:g} px'}", _score_seeds(trials, method)


def _score_removal(trials: Sequence[FieldTrial]) -> Iterator[tuple[str, SeedScores]]:
    for trial in trials:
        removal = choose_actor(trial.scene)
        yield (
            f"removal/{trial.scene.seed}",
            {
                name: compute_psnr(trial.scene, removal, remove(trial.case, removal.mask, removal.frames))
                for name, remove in REMOVERS.items()
            },
        )


def _mean_psnr(rows: Iterable[SeedScores]) -> Iterator[tuple[str, float]]:
    """Mean PSNR of each removal method."""
    found = list(rows)
    for name in REMOVERS:
        yield f"PSNR {name}", float(np.mean([row[name] for row in found]))
