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
from flows.training.figure_stacks import Job, Seen, look_at, renderers
from tasks.arrays import Indices
from tasks.params import ParamSections
from tasks.streams.fusion import fused
from tasks.streams.heads import probabilities
from tasks.streams.spatial import spatial_features
from tasks.streams.temporal import temporal_features
from tasks.synthetic.figures.figure_clip import ClipTheme
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.train.looks import Look, Means
from tasks.train.metrics import confusion, top1
from tasks.train.params import TrainParams
from tasks.train.shipped import shipped_temporal
from tasks.train.streams import Material, opinions, spatial_stream, temporal_stream
from tasks.train.study import weigh

FRAMES, STACKS = 33, 3
PROCESSES = 2
TRAIN_SEED, TEST_SEED = 100, 200  # others than those of the shipped network's clips
CLIPS = 16  # of each label, for learning and again for measuring
COLOURS = {"red": 0.0, "yellow": 0.15, "green": 0.36, "blue": 0.6, "purple": 0.8}
MOTION_ONLY = ("hold", "slow", "fast", "tremble")
DIRECTIONS = ("fast", "backwards", "to and fro")
MIXED_WAYS = ("slow", "fast", "tremble")
MIXED_COLOURS = ("red", "green", "blue")
NO_STATE = Path()  # heads are learned at once: nothing to go on with


@dataclass(frozen=True)
class Kind:
    """A label of a set: what may move, and in which colour."""

    motions: tuple[str, ...]
    """One of these is drawn for each clip."""
    theme: ClipTheme


@click.command(cls=ValuesCommand)
@click.option(
    "--clips", type=int, default=CLIPS, show_default=True, help="clips of each label to learn from, and to measure on"
)
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the appearance and the motion stream on rendered figures: top-1."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Top-1 of either stream and of both on the three sets, of the shuffled clips, and of the shipped model."""
    settings = params.section(TrainParams)
    settings = settings.model_copy(update={"spatial": "mobilenet-v2", "temporal": "head", "fusion": "learned"})
    means = Means(settings, shipped_temporal(), "cpu")
    items: dict[str, dict[str, float]] = {}
    with renderers(PROCESSES) as pool:
        for number, (name, kinds) in enumerate(sets().items()):
            learning, measuring = jobs(number, kinds, arguments.clips)
            if name == "motion-only":
                measuring += [replace(job, shuffled=True) for job in measuring]
            items[name] = _measured(pool, learning, measuring, means)
        ten = [Kind((motion,), ClipTheme()) for motion in MOTIONS]
        items["figures"], table = _shipped(pool, jobs(len(items), ten, arguments.clips)[1])
    streams = ("spatial", "temporal", "fused")
    combined = {stream: float(np.mean([items[name][stream] for name in sets()])) for stream in streams}
    return SuiteScores("two_stream", items, combined, {"figures: rows are what it was": table})


def sets() -> dict[str, list[Kind]]:
    """Set to its labels."""
    return {
        "motion-only": [Kind((way,), ClipTheme(from_side=True)) for way in MOTION_ONLY],
        "appearance-only": [Kind(tuple(MOTIONS), ClipTheme(hue)) for hue in COLOURS.values()],
        "mixed": [
            Kind((way,), ClipTheme(COLOURS[colour], from_side=True)) for way in MIXED_WAYS for colour in MIXED_COLOURS
        ],
        "direction": [Kind((way,), ClipTheme(from_side=True)) for way in DIRECTIONS],
    }


def jobs(number: int, kinds: Sequence[Kind], clips: int) -> tuple[list[Job], list[Job]]:
    """What to render for learning and for measuring, `clips` of each kind, the kinds in turn."""

    def of(first: int) -> Iterator[Job]:
        for clip in range(clips):
            for label, kind in enumerate(kinds):
                seed = (first + number, label, clip)
                motion = kind.motions[int(np.random.default_rng(seed).integers(len(kind.motions)))]
                yield Job(seed, motion, FRAMES, STACKS, kind.theme)

    return list(of(TRAIN_SEED)), list(of(TEST_SEED))


def _measured(
    pool: ProcessPoolExecutor, learning: list[Job], measuring: list[Job], means: Means
) -> dict[str, float]:  # fmt: skip
    """Learn from the first jobs, measure on the second, those with shuffled pictures apart."""
    everything = [*learning, *measuring]
    truth = np.array([job.seed[1] for job in everything])
    labels = int(truth.max()) + 1
    material = Material(list(_looks(pool, everything)), truth, labels)
    rows = np.arange(len(learning))

    def see(some: Indices) -> tuple[object, NDArray[np.float64]]:
        return spatial_stream(material, some, means)

    def follow(some: Indices) -> tuple[object, NDArray[np.float64]]:
        return temporal_stream(material, some, means, NO_STATE)

    names = [str(job.seed) for job in everything]
    weights, _ = weigh(material, rows, names, means.params, (see, follow))
    rgb, flow = see(rows)[1], follow(rows)[1]
    shuffled = np.array([job.shuffled for job in everything])
    plain = np.flatnonzero(~shuffled)[len(learning) :]
    streams = {"spatial": rgb, "temporal": flow, "fused": fused(rgb, flow, weights)}
    found = {name: top1(stream[plain], truth[plain]) or 0.0 for name, stream in streams.items()}
    if shuffled.any():
        found["shuffled"] = top1(flow[shuffled], truth[shuffled]) or 0.0
    return found | {"chance": 1 / labels, "weight_of_motion": weights[1]}


def _shipped(pool: ProcessPoolExecutor, measuring: Sequence[Job]) -> tuple[dict[str, float], list[TableRow]]:
    """The shipped model as it is on its own ten motions, and what it takes for what."""
    stream, names = shipped_temporal(), tuple(MOTIONS)
    looks = [temporal_features(stream, seen.stacks) for seen in pool.map(look_at, measuring, chunksize=5)]
    truth = np.array([job.seed[1] for job in measuring])
    found = opinions(stream.head, looks, Material([], truth, len(names)))
    per_stack = np.concatenate([probabilities(stream.head, look) for look in looks])
    scores = {
        "temporal": top1(found, truth) or 0.0,
        "temporal_per_stack": top1(per_stack, np.repeat(truth, STACKS)) or 0.0,
        "chance": 1 / len(names),
    }
    counts = zip(names, confusion(found, truth), strict=True)
    return scores, [{"motion": name, **dict(zip(names, row, strict=True))} for name, row in counts]


def _looks(pool: ProcessPoolExecutor, todo: Sequence[Job]) -> Iterator[Look]:
    """What the frozen networks make of each clip."""
    for seen in pool.map(look_at, todo, chunksize=5):
        yield _look(seen)


def _look(seen: Seen) -> Look:
    pictures = spatial_features("mobilenet-v2", [picture[None] for picture in seen.pictures], "cpu")
    return Look(pictures, temporal_features(shipped_temporal(), seen.stacks), np.empty((0, 0, 0, 0), np.int8))
