"""Controlled experiment on the two streams, on rendered figures: `semflow eval two_stream`.

Sets of clips, for training and testing as `train` does with a team's labels (linear heads on frozen networks,
weights of the streams by folds), the test clips being of other seeds:
- motion-only: four ways through one gait cycle (held, slow, fast, trembling, the last unknown to the pretrained one),
  in any clothes before any scenery. At any moment the pose is as likely under each label, so a single frame is
  uninformative.
- appearance-only: five colours of clothes and scenery, any of the ten motions.
- mixed: three of the ways in three of the colours; neither stream can distinguish all nine alone.
- direction: the cycle forwards, backwards and to and fro at one speed, which differ in the order of the fields alone.
- senses: a throw and its reverse, a catch, neither of which the pretrained network knows.
The spatial stream is the classical one, a head on MobileNetV2's features of single frames (Simonyan and Zisserman,
2014). `shuffled` is the temporal stream on the motion-only clips with shuffled frames: what is
left without the order of the motion. `_ece` is the expected calibration error. The learning curve
(clip_learning_curve.py) has rows for 5, 10 and 20 clips of each label, for `direction` and `senses` with "none of
these" too: clips of other motions. `figures` are the ten motions of the model that semflow ships with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from flows.cli.command_options import JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.clip_learning_curve import LEARNING_CURVE, ClipFeatures, learn_streams, measure_learning_curve
from flows.evaluate.score_table import SuiteScores, TableRow
from flows.training.figure_stacks import FigureClipInputs, FigureClipJob, make_render_pool, render_clip_inputs
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.params import ParamSections
from tasks.streams.calibration import compute_calibration_error
from tasks.streams.linear_head import predict_probabilities
from tasks.streams.spatial_stream import extract_spatial_features
from tasks.streams.temporal_stream import extract_temporal_features
from tasks.synthetic.figures.figure_clip import ClipTheme
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.synthetic.figures.ordered_motions import SENSES
from tasks.train.classification_metrics import compute_confusion, compute_top1
from tasks.train.params import TrainParams
from tasks.train.pretrained_model import load_pretrained_temporal
from tasks.train.row_heads import TrainingData, predict_rows
from tasks.train.stream_features import StreamFeatures, TrainContext

FRAMES, STACKS = 33, 9
PICTURES = 3
"""Pictures per clip of the appearance stream."""
PROCESSES = 2
TRAIN_SEED, TEST_SEED = 100, 200  # different from those of the pretrained network's clips
CLIPS_PER_LABEL = max(LEARNING_CURVE)  # of each label, for learning and again for measuring
COLOURS = {"red": 0.0, "yellow": 0.15, "green": 0.36, "blue": 0.6, "purple": 0.8}
MOTION_ONLY = ("hold", "slow", "fast", "tremble")
DIRECTIONS = ("fast", "backwards", "to and fro")
MIXED_WAYS = ("slow", "fast", "tremble")
MIXED_COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class ClipLabel:
    """A label of a set: its motions and colours."""

    motions: tuple[str, ...]
    """One of these is chosen at random for each clip."""
    theme: ClipTheme


NONE_OF_THESE = ClipLabel(tuple(name for name in MOTIONS if name not in ("walk", "run")), ClipTheme(from_side=True))
"""Motions that no set with it has as a label; walking and running are what `direction` is made of."""
SETS_WITH_NONE = ("direction", "senses")


@click.command(cls=ValuesCommand)
@click.option(
    "--clips",
    type=int,
    default=CLIPS_PER_LABEL,
    show_default=True,
    help="clips of each label to learn from, and to measure on",
)
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score the appearance and the motion stream on rendered figures: top-1."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """Top-1 of either stream and of both on the three sets, of the shuffled clips, and of the pretrained model."""
    settings = params.get_section(TrainParams)
    settings = settings.model_copy(update={"spatial": "mobilenet-v2", "temporal": "head", "fusion": "learned"})
    context = TrainContext(settings, load_pretrained_temporal(), "cpu")
    items: dict[str, dict[str, float]] = {}
    curve: list[TableRow] = []
    with make_render_pool(PROCESSES) as pool:
        for number, (name, labels) in enumerate(make_label_sets().items()):
            none = len(labels) if name in SETS_WITH_NONE else None
            every = labels if none is None else [*labels, NONE_OF_THESE]
            learning, measuring = make_clip_jobs(number, every, arguments.clips)
            if name == "motion-only":
                measuring += [replace(job, is_shuffled=True) for job in measuring]
            clips = extract_clip_features(pool, learning, measuring)
            is_shuffled = np.array([job.is_shuffled for job in [*learning, *measuring]])
            known = np.flatnonzero(clips.label < len(labels))
            items[name] = _measure_label_set(clips.take(known), is_shuffled[known], context)
            rows = measure_learning_curve(clips.take(np.flatnonzero(~is_shuffled)), none, context)
            curve += [{"set": name, **row} for row in rows]
        ten = [ClipLabel((motion,), ClipTheme()) for motion in MOTIONS]
        items["figures"], table = _measure_pretrained(pool, make_clip_jobs(len(items), ten, arguments.clips)[1])
    streams = ("spatial", "temporal", "fused")
    combined = {stream: float(np.mean([items[name][stream] for name in make_label_sets()])) for stream in streams}
    tables = {"Learning curve of the fused streams": curve, "figures: rows are what it was": table}
    return SuiteScores("two_stream", items, combined, tables)


def make_label_sets() -> dict[str, list[ClipLabel]]:
    """Set to its labels."""
    return {
        "motion-only": [ClipLabel((way,), ClipTheme(from_side=True)) for way in MOTION_ONLY],
        "appearance-only": [ClipLabel(tuple(MOTIONS), ClipTheme(hue)) for hue in COLOURS.values()],
        "mixed": [
            ClipLabel((way,), ClipTheme(COLOURS[colour], from_side=True))
            for way in MIXED_WAYS
            for colour in MIXED_COLOURS
        ],
        "direction": [ClipLabel((way,), ClipTheme(from_side=True)) for way in DIRECTIONS],
        "senses": [ClipLabel((way,), ClipTheme(from_side=True)) for way in SENSES],
    }


def make_clip_jobs(
    number: int, labels: Sequence[ClipLabel], clips: int
) -> tuple[list[FigureClipJob], list[FigureClipJob]]:
    """Clips to render for training and for testing, `clips` of each label, the labels in turn."""

    def of(first: int) -> Iterator[FigureClipJob]:
        for clip in range(clips):
            for label, kind in enumerate(labels):
                seed = (first + number, label, clip)
                motion = kind.motions[int(np.random.default_rng(seed).integers(len(kind.motions)))]
                yield FigureClipJob(seed, motion, FRAMES, STACKS, kind.theme)

    return list(of(TRAIN_SEED)), list(of(TEST_SEED))


def extract_clip_features(
    pool: ProcessPoolExecutor, learning: Sequence[FigureClipJob], measuring: Sequence[FigureClipJob]
) -> ClipFeatures:
    """Features of the clips by the frozen networks."""
    jobs = [*learning, *measuring]
    return ClipFeatures(
        [_extract_features(seen) for seen in pool.map(render_clip_inputs, jobs, chunksize=5)],
        np.array([job.seed[1] for job in jobs]),
        np.array([job.seed[2] for job in jobs]),
        [str(job.seed) for job in jobs],
        np.arange(len(jobs)) < len(learning),
    )


def _measure_label_set(clips: ClipFeatures, is_shuffled: NDArray[np.bool_], context: TrainContext) -> dict[str, float]:
    """Train on the clips that are there to learn from, test on the others; those with shuffled frames apart."""
    learned = learn_streams(clips, np.flatnonzero(clips.is_learned), context)
    streams, truth, plain = learned.probabilities, clips.label, ~clips.is_learned & ~is_shuffled
    found = {name: compute_top1(stream[plain], truth[plain]) or 0.0 for name, stream in streams.items()}
    if is_shuffled.any():
        found["shuffled"] = compute_top1(streams["temporal"][is_shuffled], truth[is_shuffled]) or 0.0
    for name, stream in streams.items():
        found[f"{name}_ece"] = compute_calibration_error(stream[plain], truth[plain]) or 0.0
    return found | {"chance": 1 / clips.label_count, "weight_of_motion": learned.motion_share}


def _measure_pretrained(
    pool: ProcessPoolExecutor, measuring: Sequence[FigureClipJob]
) -> tuple[dict[str, float], list[TableRow]]:
    """Top-1 and confusion matrix of the pretrained model on its own ten motions."""
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


def _extract_features(seen: FigureClipInputs) -> StreamFeatures:
    chosen = seen.pictures[pick_evenly(len(seen.pictures), PICTURES)]
    pictures = extract_spatial_features("mobilenet-v2", [picture[None] for picture in chosen], "cpu")
    motion = extract_temporal_features(load_pretrained_temporal(), seen.stacks, both_ways=True)
    return StreamFeatures(pictures, motion, np.empty((0, 0, 0, 0), np.int8))
