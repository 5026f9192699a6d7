"""Multi-object tracking from film to identities: `semflow eval tracking --data DIR`.

Every folder at any depth below DIR with `gt/gt.txt` and a video file or `img1/` is a film (tracking_films.py). It goes
through decode, detect, estimate_flow (for the camera's motion) and track with the values of params.yaml, and TrackEval
scores the people among the tracks in source pixels, as `semflow eval mot` does. `fps` is frames per second from film to
tracks, `association fps` of tracking alone.
With --peers a table compares, in the same run: the presets and trackers of other packages on the same detections of
people, and `ultralytics track` with the same weights on its own. Packages that are not installed are named.
With --ablations the table has the same tracker without each of its parts, and with those that it leaves out
(track_ablations.py).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from flows.cli.command_options import DATA_OPTION, JSON_OPTION, SAVE_OPTION, ValuesCommand
from flows.cli.run_suite import run_suite
from flows.evaluate.mot_peers import PACKAGES, find_installed_peers, track_with_peer
from flows.evaluate.motchallenge import (
    MotSequence,
    TrackEvalResult,
    evaluate_tracks,
    pool_results,
    summarise_metrics,
)
from flows.evaluate.param_overrides import apply_overrides, set_option
from flows.evaluate.score_table import SuiteScores, TableRow
from flows.evaluate.track_ablations import FROM_DETECTIONS, FROM_PICTURES, replace_params
from flows.evaluate.tracking_films import (
    PreparedFilm,
    TrackingFilm,
    find_films,
    make_video_file,
    prepare_film,
    scale_people,
    track_film_by_stages,
)
from flows.evaluate.ultralytics_trackers import CONFIGURATIONS, find_ultralytics_trackers, track_film
from tasks.artifacts.tracks import Tracks
from tasks.detect.params import DetectParams
from tasks.params import Compute, ParamSections
from tasks.track.frame_times import regular_times
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.track.tracker_presets import PRESETS
from tasks.weights.fetch import weights_path

OURS = "this run"
ULTRALYTICS_MODELS = ("yolo26", "yolo11")
"""Beginnings of the names of weights that ultralytics can open."""


@dataclass(frozen=True)
class TrackerResult:
    """One tracker on one film."""

    verdict: TrackEvalResult
    frame_count: int
    association_s: float | None
    """Seconds of tracking alone; None where it cannot be told from the rest."""
    whole_s: float | None
    """Seconds from film to tracks; None for trackers that got detections."""


@click.command(cls=ValuesCommand)
@DATA_OPTION
@click.option(
    "--film", type=click.Path(path_type=Path), metavar="FILE", help="the film, where it does not lie in the one folder"
)
@click.option("--peers", is_flag=True, help="compare with trackers of other packages and with the presets")
@click.option("--ablations", is_flag=True, help="compare with the same without each part of the tracker")
@set_option("track", "camera_compensation=false")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score tracking from film to identities: HOTA, DetA, AssA, IDF1, MOTA, switches."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """TrackEval's metrics per film and pooled."""
    films = find_films(arguments.data, arguments.film)
    tracking = apply_overrides(params.get_section(TrackParams), arguments.set)
    sections = ParamSections({**params, "track": tracking})
    found: dict[str, dict[str, TrackerResult]] = {}
    for film in films:
        with tempfile.TemporaryDirectory() as folder:
            for tracker, result in _score_film(film, Path(folder), sections, arguments):
                found.setdefault(tracker, {})[film.sequence.name] = result
    items = {name: summarise_results({name: result}) for name, result in found[OURS].items()}
    return SuiteScores("tracking", items, summarise_results(found[OURS]), _tables(found, arguments.peers))


def summarise_results(results: Mapping[str, TrackerResult]) -> dict[str, float]:
    """Pooled metrics of one tracker, and its speeds where they are known."""
    parts = list(results.values())
    metrics = summarise_metrics(pool_results(part.verdict for part in parts))
    frames = sum(part.frame_count for part in parts)
    for name, seconds in (
        ("fps", [part.whole_s for part in parts]),
        ("association fps", [part.association_s for part in parts]),
    ):
        known = [value for value in seconds if value is not None]
        if len(known) == len(parts):
            metrics[name] = frames / sum(known)
    return metrics


def _score_film(
    film: TrackingFilm, folder: Path, params: ParamSections, arguments: argparse.Namespace
) -> Iterator[tuple[str, TrackerResult]]:
    """(tracker, result) of ours, then of ours with other parts, then of the others."""
    tracking, compute = params.get_section(TrackParams), params.get_section(Compute)
    video = make_video_file(film, folder)
    wanted = tracking.model_copy(update={"camera_compensation": True}) if arguments.ablations else tracking
    prepared = prepare_film(film, video, folder, ParamSections({**params, "track": wanted}))
    tracks, seconds = track_film_by_stages(prepared, tracking, compute)
    yield OURS, _judge(film.sequence, prepared, tracks, seconds, prepared.seconds + seconds)
    if arguments.ablations:
        for name, changes in {**FROM_DETECTIONS, **FROM_PICTURES}.items():
            tracks, seconds = track_film_by_stages(prepared, replace_params(tracking, changes), compute)
            yield name, _judge(film.sequence, prepared, tracks, seconds)
    if arguments.peers:
        yield from _score_peers(film, video, prepared, params)


def _score_peers(
    film: TrackingFilm, video: Path, prepared: PreparedFilm, params: ParamSections
) -> Iterator[tuple[str, TrackerResult]]:
    """(tracker, result) of the presets and of trackers of other packages."""
    tracking, people = params.get_section(TrackParams), prepared.people
    for name, changes in PRESETS.items():
        changed = tracking.model_copy(update={**changes, "appearance": "none", "camera_compensation": False})
        start = time.perf_counter()
        # Published trackers count frames, whatever the rate.
        tracks = track_detections(people, regular_times(people.frame_count), changed)
        seconds = time.perf_counter() - start
        yield f"preset {name}, same detections", _judge(film.sequence, prepared, tracks, seconds)
    for name, make in (find_ultralytics_trackers() | find_installed_peers()).items():
        tracks, seconds = track_with_peer(people, make)
        yield f"{name}, same detections", _judge(film.sequence, prepared, tracks, seconds)
    detector = params.get_section(DetectParams)
    weights = _find_ultralytics_weights(detector)
    if weights is None:
        return
    for name in CONFIGURATIONS:
        tracks, seconds = track_film(name, weights, detector.image_size, video, people)
        verdict = evaluate_tracks(film.sequence, tracks)
        yield f"ultralytics track, {name}", TrackerResult(verdict, film.sequence.frame_count, None, seconds)


def _find_ultralytics_weights(detector: DetectParams) -> Path | None:
    """The detector's file as ultralytics opens it; None for other models."""
    if not isinstance(detector.weights, str):
        return Path(detector.weights.path)
    return weights_path(detector.weights) if detector.weights.startswith(ULTRALYTICS_MODELS) else None


def _judge(
    sequence: MotSequence, prepared: PreparedFilm, tracks: Tracks, seconds: float, whole_s: float | None = None
) -> TrackerResult:
    scaled = scale_people(tracks, prepared.frames.decode_report.source_width)
    return TrackerResult(evaluate_tracks(sequence, scaled), sequence.frame_count, seconds, whole_s)


def _tables(found: Mapping[str, Mapping[str, TrackerResult]], with_peers: bool) -> Mapping[str, list[TableRow]]:
    if len(found) == 1 and not with_peers:
        return {}
    rows: list[TableRow] = [{"tracker": name, **summarise_results(results)} for name, results in found.items()]
    each: list[TableRow] = [
        {"tracker": name, **{film: summarise_metrics(result.verdict)["HOTA"] for film, result in results.items()}}
        for name, results in found.items()
    ]
    tables = {"All films together": rows}
    if len(found[OURS]) > 1:
        tables["HOTA of each"] = each
    if not with_peers:
        return tables
    present = {name.split()[0] for name in find_installed_peers()}
    missing: list[TableRow] = [
        {"package": package, "why": f"not installed: {install}"}
        for package, install in PACKAGES.items()
        if package not in present
    ]
    if not any(name.startswith("ultralytics track") for name in found):
        missing.append({"package": "ultralytics track", "why": "detect.weights is no model of ultralytics"})
    return tables | ({"Left out": missing} if missing else {})
