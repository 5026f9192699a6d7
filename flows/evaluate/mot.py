"""Multi-object tracking on MOTChallenge's sequences: `semflow eval mot --data DIR`.

Every folder at any depth below DIR with `gt/gt.txt` and `det/det.txt` is a sequence. Its detections are tracked as by
the stage `track` without pictures, with the section `track` of params.yaml, and TrackEval scores the result: HOTA,
DetA, AssA (Luiten et al., 2021), MOTA, IDF1 in per cent, IDSW as a count. MOT16, MOT17 and MOT20 get their
preprocessing, by the folder's name; all others get MOT15's rules. `combined` is TrackEval's pooled row.
MOTA is TrackEval's; SORT's authors report the older one of the challenge, which differs by some tenths.
`fps` is frames tracked per second, without detection.
With --peers, tables compare with trackers of other packages (mot_peers.py) and with the presets, all in this run, with
--ablations with the same tracker without each of its parts, and with those that it leaves out (track_ablations.py).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import click

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.mot_peers import find_peers, run_peer
from flows.evaluate.motchallenge import (
    MotSequence,
    TrackEvalResult,
    evaluate_tracks,
    find_sequences,
    pool_results,
    summarise_metrics,
)
from flows.evaluate.param_overrides import apply_overrides, set_option
from flows.evaluate.score_table import SuiteScores, TableRow
from flows.evaluate.track_ablations import FROM_DETECTIONS, replace_params
from tasks.params import ParamSections
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.track.tracker_presets import PRESETS

MotFigures = tuple[Mapping[str, Mapping[str, float]], Mapping[str, float]]
"""Metrics by sequence, and pooled over all."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option(
    "--preset", type=click.Choice(sorted(PRESETS)), help="a published tracker instead of track in params.yaml"
)
@click.option("--peers", is_flag=True, help="compare with trackers of other packages and with the presets")
@click.option("--ablations", is_flag=True, help="compare with the same without each part of the tracker")
@set_option("track", "max_gap_s=1 interpolate=false")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score multi-object tracking on MOTChallenge sequences: HOTA, MOTA, IDF1."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """TrackEval's metrics per sequence and pooled."""
    tracking = params.get_section(TrackParams)
    settings = apply_overrides(tracking.model_copy(update=dict(PRESETS.get(arguments.preset or "", {}))), arguments.set)
    sequences = find_sequences(arguments.data)
    track_detections(
        sequences[0].detections(), sequences[0].pts_s, settings
    )  # the first call loads SciPy, which must not count as tracking time
    results = {sequence.name: run_sequence(sequence, settings) for sequence in sequences}
    items, combined = summarise_results(sequences, results)
    tables = compare_trackers(sequences, tracking, (items, combined)) if arguments.peers else {}
    if arguments.ablations:
        tables = {**tables, "Ablations": compare_parts(sequences, settings, combined)}
    return SuiteScores("mot", items, combined, tables)


def summarise_results(sequences: list[MotSequence], results: Mapping[str, tuple[TrackEvalResult, float]]) -> MotFigures:
    """Metrics of each sequence, and pooled, from TrackEval's results and seconds by name."""
    frames = {sequence.name: sequence.frame_count for sequence in sequences}
    seconds = sum(took for _, took in results.values())
    items = {
        name: summarise_metrics(verdict) | {"fps": frames[name] / took} for name, (verdict, took) in results.items()
    }
    return items, summarise_metrics(pool_results(verdict for verdict, _ in results.values())) | {
        "fps": sum(frames.values()) / seconds
    }


def compare_trackers(
    sequences: list[MotSequence], tracking: TrackParams, ours: MotFigures
) -> Mapping[str, list[TableRow]]:
    """Tables of this run's metrics, those of the presets and of every peer, pooled and by sequence."""
    found = {"this run": ours}
    for name, changes in PRESETS.items():
        settings = tracking.model_copy(update=dict(changes))
        found[f"preset {name}"] = summarise_results(sequences, {s.name: run_sequence(s, settings) for s in sequences})
    for name, make in find_peers().items():
        found[name] = summarise_results(sequences, {s.name: run_peer(s, make) for s in sequences})
    return {
        "All sequences together": [{"tracker": name, **combined} for name, (_, combined) in found.items()],
        "HOTA of each": [
            {"tracker": name, **{sequence: item["HOTA"] for sequence, item in items.items()}}
            for name, (items, _) in found.items()
        ],
    }


def compare_parts(sequences: list[MotSequence], settings: TrackParams, combined: Mapping[str, float]) -> list[TableRow]:
    """Pooled metrics of `settings`, which are `combined`, and of the same with each of FROM_DETECTIONS."""
    rows: list[TableRow] = [{"tracker": "this run", **combined}]
    for name, changes in FROM_DETECTIONS.items():
        changed = replace_params(settings, changes)
        _, pooled = summarise_results(sequences, {s.name: run_sequence(s, changed) for s in sequences})
        rows.append({"tracker": name, **pooled})
    return rows


def run_sequence(sequence: MotSequence, params: TrackParams) -> tuple[TrackEvalResult, float]:
    """TrackEval's result on one sequence, and the seconds that tracking took."""
    detections = sequence.detections()
    start = time.perf_counter()
    tracks = track_detections(detections, sequence.pts_s, params)
    seconds = time.perf_counter() - start
    return evaluate_tracks(sequence, tracks), seconds
