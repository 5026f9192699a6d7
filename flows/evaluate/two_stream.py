"""Do the two streams see what they should? `semflow eval two_stream`, on figures rendered for the purpose.

Sets of clips, learned from and measured on as `train` does with a team's labels (linear heads on frozen networks,
weights of the streams by folds), the measured clips being of other seeds:
- motion-only: four ways through one gait cycle (held, slow, fast, trembling, the last unknown to the shipped network),
  in any clothes before any scenery. At any moment the pose is as likely under each label, so a picture tells nothing.
- appearance-only: five colours of clothes and scenery, any of the ten motions.
- mixed: three of the ways in three of the colours; neither stream can tell all nine alone.
- direction: the cycle forwards, backwards and to and fro at one speed, which only the order of the fields tells apart.
The spatial stream is the classical one, a head on MobileNetV2's features of single pictures (Simonyan and Zisserman,
2014). `shuffled` is the temporal stream on the motion-only clips with their pictures put in another order: what is
left when the motion's order is taken away. `figures` are the ten motions of the model that semflow ships with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import JSON_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.score_table import SuiteScores, TableRow
from flows.training.figure_stacks import FigureClipInputs, FigureClipJob, make_render_pool, render_clip_inputs
from tasks.arrays import Indices
from tasks.params import ParamSections
from tasks.streams.fusion import fuse_probabilities
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.spatial_stream import extract_spatial_features
from tasks.streams.temporal_stream import extract_temporal_features
from tasks.synthetic.figures.clip import Theme
from tasks.synthetic.figures.motions import MOTIONS
from tasks.train.classification_metrics import compute_confusion, compute_top1
from tasks.train.params import TrainParams
from tasks.train.pretrained_model import load_pretrained_temporal
from tasks.train.stream_features import StreamFeatures, TrainContext
from tasks.train.stream_training import TrainingData, predict_rows, train_spatial_stream, train_temporal_stream
from tasks.train.train_action_model import fit_stream_weights

FRAMES, STACKS = 33, 3
PROCESSES = 2
TRAIN_SEED, TEST_SEED = 100, 200  # others than those of the shipped network's clips
CLIPS_PER_LABEL = 16  # of each label, for learning and again for measuring
COLOURS = {"red": 0.0, "yellow": 0.15, "green": 0.36, "blue": 0.6, "purple": 0.8}
MOTION_ONLY = ("hold", "slow", "fast", "tremble")
DIRECTIONS = ("fast", "backwards", "to and fro")
MIXED_WAYS = ("slow", "fast", "tremble")
MIXED_COLOURS = ("red", "green", "blue")
NO_CHECKPOINT = Path()  # heads are learned at once: nothing to go on with


@dataclass(frozen=True)
class ClipLabel:
    """A label of a set: what may move, and in which colour."""

    motions: tuple[str, ...]
    """One of these is drawn for each clip."""
    theme: Theme


@click.command(cls=ValuesCommand)
@click.option(
    "--clips",
    type=int,
    default=CLIPS_PER_LABEL,
    show_default=True,
    help="clips of each label to learn from, and to measure on",
)
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the appearance and the motion stream on rendered figures: top-1."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Top-1 of either stream and of both on the three sets, of the shuffled clips, and of the shipped model."""
    settings = params.get_section(TrainParams)
    settings = settings.model_copy(update={"spatial": "mobilenet-v2", "temporal": "head", "fusion": "learned"})
    means = TrainContext(settings, load_pretrained_temporal(), "cpu")
    items: dict[str, dict[str, float]] = {}
    with make_render_pool(PROCESSES) as pool:
        for number, (name, kinds) in enumerate(make_label_sets().items()):
            learning, measuring = make_clip_jobs(number, kinds, arguments.clips)
            if name == "motion-only":
                measuring += [replace(job, shuffled=True) for job in measuring]
            items[name] = _measure_label_set(pool, learning, measuring, means)
        ten = [ClipLabel((motion,), Theme()) for motion in MOTIONS]
        items["figures"], table = _measure_pretrained(pool, make_clip_jobs(len(items), ten, arguments.clips)[1])
    streams = ("spatial", "temporal", "fused")
    combined = {stream: float(np.mean([items[name][stream] for name in make_label_sets()])) for stream in streams}
    return SuiteScores("two_stream", items, combined, {"figures: rows are what it was": table})


def make_label_sets() -> dict[str, list[ClipLabel]]:
    """Set to its labels."""
    return {
        "motion-only": [ClipLabel((way,), Theme(from_side=True)) for way in MOTION_ONLY],
        "appearance-only": [ClipLabel(tuple(MOTIONS), Theme(hue)) for hue in COLOURS.values()],
        "mixed": [
            ClipLabel((way,), Theme(COLOURS[colour], from_side=True)) for way in MIXED_WAYS for colour in MIXED_COLOURS
        ],
        "direction": [ClipLabel((way,), Theme(from_side=True)) for way in DIRECTIONS],
    }


def make_clip_jobs(
    number: int, kinds: Sequence[ClipLabel], clips: int
) -> tuple[list[FigureClipJob], list[FigureClipJob]]:
    """What to render for learning and for measuring, `clips` of each kind, the kinds in turn."""

    def of(first: int) -> Iterator[FigureClipJob]:
        for clip in range(clips):
            for label, kind in enumerate(kinds):
                seed = (first + number, label, clip)
                motion = kind.motions[int(np.random.default_rng(seed).integers(len(kind.motions)))]
                yield FigureClipJob(seed, motion, FRAMES, STACKS, kind.theme)

    return list(of(TRAIN_SEED)), list(of(TEST_SEED))


def _measure_label_set(
    pool: ProcessPoolExecutor, learning: list[FigureClipJob], measuring: list[FigureClipJob], means: TrainContext
) -> dict[str, float]:  # fmt: skip
    """Learn from the first jobs, measure on the second, those with shuffled pictures apart."""
    everything = [*learning, *measuring]
    truth = np.array([job.seed[1] for job in everything])
    labels = int(truth.max()) + 1
    material = TrainingData(list(_extract_all_features(pool, everything)), truth, labels)
    rows = np.arange(len(learning))

    def see(some: Indices) -> tuple[object, NDArray[np.float64]]:
        return train_spatial_stream(material, some, means)

    def follow(some: Indices) -> tuple[object, NDArray[np.float64]]:
        return train_temporal_stream(material, some, means, NO_CHECKPOINT)

    names = [str(job.seed) for job in everything]
    weights, _ = fit_stream_weights(material, rows, names, means.params, (see, follow))
    rgb, flow = see(rows)[1], follow(rows)[1]
    shuffled = np.array([job.shuffled for job in everything])
    plain = np.flatnonzero(~shuffled)[len(learning) :]
    streams = {"spatial": rgb, "temporal": flow, "fused": fuse_probabilities(rgb, flow, weights)}
    found = {name: compute_top1(stream[plain], truth[plain]) or 0.0 for name, stream in streams.items()}
    if shuffled.any():
        found["shuffled"] = compute_top1(flow[shuffled], truth[shuffled]) or 0.0
    return found | {"chance": 1 / labels, "weight_of_motion": weights[1]}


def _measure_pretrained(
    pool: ProcessPoolExecutor, measuring: Sequence[FigureClipJob]
) -> tuple[dict[str, float], list[TableRow]]:
    """The shipped model as it is on its own ten motions, and what it takes for what."""
    stream, names = load_pretrained_temporal(), tuple(MOTIONS)
    looks = [
        extract_temporal_features(stream, seen.stacks) for seen in pool.map(render_clip_inputs, measuring, chunksize=5)
    ]
    truth = np.array([job.seed[1] for job in measuring])
    found = predict_rows(stream.head, looks, TrainingData([], truth, len(names)))
    per_stack = np.concatenate([predict_probabilities(stream.head, look) for look in looks])
    scores = {
        "temporal": compute_top1(found, truth) or 0.0,
        "temporal_per_stack": compute_top1(per_stack, np.repeat(truth, STACKS)) or 0.0,
        "chance": 1 / len(names),
    }
    counts = zip(names, compute_confusion(found, truth), strict=True)
    return scores, [{"motion": name, **dict(zip(names, row, strict=True))} for name, row in counts]


def _extract_all_features(pool: ProcessPoolExecutor, todo: Sequence[FigureClipJob]) -> Iterator[StreamFeatures]:
    """What the frozen networks make of each clip."""
    for seen in pool.map(render_clip_inputs, todo, chunksize=5):
        yield _extract_features(seen)


def _extract_features(seen: FigureClipInputs) -> StreamFeatures:
    pictures = extract_spatial_features("mobilenet-v2", [picture[None] for picture in seen.pictures], "cpu")
    return StreamFeatures(
        pictures, extract_temporal_features(load_pretrained_temporal(), seen.stacks), np.empty((0, 0, 0, 0), np.int8)
    )
