"""Tracking of one object and of chosen points, all methods on the same rendered scenes: `semflow eval track-object`.

Scenes of 32 frames at 512 x 288 (tasks/synthetic/scene), of `--seeds` seeds from `--first-seed` on. `still camera` has
neither camera motion, occlusion nor change of light; every other kind (`KINDS`) differs from it in the one thing that
it is named after. Frames, dense flow and features are made by the pipeline's stages with the values of params.yaml; the
methods are those of `semflow track-object` and `semflow field track`, CSRT where the OpenCV at hand has it. Items:

- `boxes/`: every actor that is whole in frame 0 (else the one seen most) is tracked from its true box there on. IoU is
  the mean over objects and frames, `>=.5` the share of them with an IoU of at least .5; where a method reports the
  object lost, the IoU is 0.
- `points/`: points of these actors and of the background. `within 4 px` is the share of places where a point is seen
  and found, `survival` the share of frames before a track fails (tracking_scores.py).

The tables give the means over the seeds, `combined` those over all scenes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np

from flows.apps.field_track import METHODS as POINT_METHODS
from flows.apps.field_track import make_tracking_inputs
from flows.apps.track_object import METHODS as BOX_METHODS
from flows.apps.track_object import track_box
from flows.apps.video_artifacts import VideoArtifacts
from flows.cli.command_options import JSON_OPTION, SAVE_OPTION, ValuesCommand, list_option
from flows.cli.run_suite import run_suite
from flows.evaluate.scene_project import write_scene_artifacts
from flows.evaluate.score_table import SuiteScores
from flows.evaluate.tracking_scores import MAX_ERROR_PX, MIN_IOU, compute_box_overlaps, score_points
from tasks.arrays import Points
from tasks.errors import BadInput
from tasks.geometry.evenly_spaced import pick_evenly
from tasks.geometry.warp import pixel_grid
from tasks.params import ParamSections
from tasks.point_tracking.lucas_kanade_tracker import track_by_lucas_kanade
from tasks.point_tracking.point_tracker import track_points
from tasks.synthetic.scene.scene_layers import POST
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene
from tasks.track.csrt_tracker import has_csrt

FIRST_SEED = 7000  # no setting was chosen by looking at seeds from here on
STILL = SceneSettings(frames=32, height=288, width=512, leaving=0, occlusion=0.0, camera=0.0, light=0.0)
KINDS = {
    "still camera": STILL,
    "moving camera": replace(STILL, camera=1.0),
    "changing light": replace(STILL, light=0.4),
    "occlusion": replace(STILL, occlusion=0.5),
    "leaving": replace(STILL, leaving=3),
    "fast motion": replace(STILL, frames=8),  # the same paths in a quarter of the frames
}
MIN_VISIBLE_SHARE = 0.9  # of an object's pixels in frame 0: what a person would mark as an object
POINTS_PER_LAYER = 16
EROSION_PX = 4  # from a layer's boundary to its points: which side of it a point is on must be clear

SceneScores = dict[str, dict[str, float]]
"""`boxes` and `points` to the metrics of one scene."""
ArtifactWriter = Callable[[Scene, Path, str], None]
"""Writes the artifacts of a scene into a project folder, as those of a video of this name."""


@click.command(cls=ValuesCommand)
@click.option("--seeds", type=int, default=2, show_default=True, help="scenes of each kind")
@click.option("--first-seed", type=int, default=FIRST_SEED, show_default=True, help="of the first scene")
@list_option("--kinds", type=click.Choice(list(KINDS)), help="kinds of scenes, in place of all")
@SAVE_OPTION
@JSON_OPTION
def command(**options: Any) -> int:
    """Score tracking of an object and of points on synthetic scenes: IoU, share found, survival."""
    return run_suite(evaluate, options)


def evaluate(arguments: argparse.Namespace, params: ParamSections) -> SuiteScores:
    """The scores of every method per scene, with the artifacts that the pipeline's stages make of it."""
    if arguments.seeds < 1:
        raise BadInput(f"--seeds must be at least 1, got {arguments.seeds}")
    chosen = {name: KINDS[name] for name in arguments.kinds or KINDS}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    return evaluate_kinds(chosen, seeds, lambda scene, root, video: write_scene_artifacts(scene, root, video, params))


def evaluate_kinds(kinds: Mapping[str, SceneSettings], seeds: Sequence[int], write: ArtifactWriter) -> SuiteScores:
    """The scores of `evaluate`, on scenes of these settings and with the artifacts that `write` makes."""
    found = {
        (kind, seed): score_scene(make_scene(seed, settings), write)
        for kind, settings in kinds.items()
        for seed in seeds
    }
    items = {
        f"{what}/{kind}/{seed}": scores[what] for what in ("boxes", "points") for (kind, seed), scores in found.items()
    }
    tables = {
        f"{what}: mean over the seeds": [
            {"scenes": kind, **_mean_metrics([found[kind, seed][what] for seed in seeds])} for kind in kinds
        ]
        for what in ("boxes", "points")
    }
    combined = {
        f"{what}, {name}": value
        for what in ("boxes", "points")
        for name, value in _mean_metrics([scores[what] for scores in found.values()]).items()
    }
    return SuiteScores("track-object", items, combined, tables)


def score_scene(scene: Scene, write: ArtifactWriter) -> SceneScores:
    """Metrics of all methods on one scene; its artifacts are written to a folder that is removed again."""
    with tempfile.TemporaryDirectory() as folder:
        root, video = Path(folder), "scene"
        write(scene, root, video)
        instances = find_whole_actors(scene)
        return {
            "boxes": score_box_methods(scene, root, video, instances),
            "points": score_point_methods(scene, root, video, [0, *instances]),
        }


def score_box_methods(scene: Scene, root: Path, video: str, instances: Sequence[int]) -> dict[str, float]:
    """IoU and success rate of every method, over all of `instances`."""
    found: dict[str, float] = {}
    for method in list_box_methods():
        overlaps: list[float] = []
        for instance in instances:
            truth = scene.boxes[instance - 1]
            rows = track_box(root, video, 0, truth[0].astype(np.float64).clip(0), method)
            overlaps += compute_box_overlaps(((at, box, ok) for at, box, ok, _ in rows), truth).tolist()
        found[f"{method} IoU"] = float(np.mean(overlaps))
        found[f"{method} >=.5"] = float(np.mean(np.array(overlaps) >= MIN_IOU))
    return found


def score_point_methods(scene: Scene, root: Path, video: str, instances: Sequence[int]) -> dict[str, float]:
    """Share within MAX_ERROR_PX and survival of every method, over points of `instances`; 0 is the background."""
    points = np.concatenate([pick_layer_points(scene, instance) for instance in instances])
    truth, seen = scene.track_points(0, points)
    inputs = make_tracking_inputs(VideoArtifacts(root, video))
    found: dict[str, float] = {}
    for method in POINT_METHODS:
        track = track_by_lucas_kanade if method == "lucas-kanade" else track_points
        scores = score_points(track(inputs, 0, points, len(scene)), truth, seen)
        found[f"{method} within {MAX_ERROR_PX:g} px"] = scores.within
        found[f"{method} survival"] = scores.survival
    return found


def list_box_methods() -> Iterator[str]:
    """The methods of `semflow track-object` that this installation can run."""
    return (method for method in BOX_METHODS if method != "csrt" or has_csrt())


def find_whole_actors(scene: Scene) -> list[int]:
    """Instances of the actors of which at least MIN_VISIBLE_SHARE is seen in frame 0, else of the one seen most.

    BadInput where the scene has no actors.
    """
    pixels = pixel_grid(*scene.instances.shape[1:]).reshape(-1, 2).astype(np.float64)
    shares: dict[int, float] = {}
    for layer in scene.layers[1:]:
        if layer.class_id != POST:
            covered = int(layer.covers(scene.camera, 0, pixels).sum())
            shares[layer.instance] = int((scene.instances[0] == layer.instance).sum()) / max(covered, 1)
    if not shares:
        raise BadInput(f"the scene of seed {scene.seed} must have actors, got none")
    whole = [instance for instance, share in shares.items() if share >= MIN_VISIBLE_SHARE]
    return whole or [max(shares, key=lambda instance: shares[instance])]


def pick_layer_points(scene: Scene, instance: int) -> Points:
    """(n, 2) at most POINTS_PER_LAYER pixels of a layer in frame 0, evenly spaced row by row, off its boundary."""
    mask = (scene.instances[0] == instance).astype(np.uint8)
    # The border of the image is no boundary of the layer.
    inner = cv2.erode(mask, np.ones((2 * EROSION_PX + 1,) * 2, np.uint8), borderType=cv2.BORDER_REPLICATE)
    rows, columns = np.nonzero(inner)
    chosen = pick_evenly(len(rows), POINTS_PER_LAYER)
    return np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float64)


def _mean_metrics(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Metric to its mean over `rows`."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
