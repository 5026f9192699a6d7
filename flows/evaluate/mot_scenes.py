"""Rendered sequences for evaluating the tracker's visual cues: synthetic scenes with a simulated detector.

The scene gives the ground truth of boxes and identities (tasks/synthetic/scene). The simulated detector gives boxes of
the visible parts, with errors in proportion to their size; it misses single frames, short runs of frames, and mostly
occluded actors; and it gives false positives with low scores. All actors have one class, so identities can be confused.
Camera motion is of three kinds: `still`, a camera on a tripod; `followed`, the scenes' default, in which the camera
moves slowly and the actors' paths are planned relative to it, so that a filter is hardly disturbed; and `shaken`, with
the shake of a hand-held camera added to that after planning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from flows.evaluate.motchallenge import DEFAULT_FRAME_RATE, MotSequence
from tasks.arrays import Boxes
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.detections import Detections
from tasks.artifacts.features import Features
from tasks.artifacts.frames import Frames
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.layer_renderer import render_layers
from tasks.synthetic.scene.scene_camera import SceneCamera
from tasks.synthetic.scene.scene_layers import ACTORS
from tasks.synthetic.scene.synthetic_scene import Scene, SceneSettings, make_scene

SETTINGS = SceneSettings(frames=72, actors=9, leaving=2, occlusion=0.5)
SHAKE_PX = 4.0  # standard deviation per frame and axis: a tenth of an actor's width, as at arm's length
FLOW_NOISE_PX = 0.25  # about DIS's mean error on Middlebury
BOX_NOISE = 0.05  # of width and height, standard deviation of each edge
MISS_RATE = 0.1  # of single frames
LAPSE_RATE, LAPSE_FRAMES = 0.02, 8  # rate at which a run of missed frames starts, and its mean length
MIN_VISIBLE_SHARE = 0.3  # share of an actor's largest area below which it is not detected
MIN_TRUTH_PIXELS = 30  # visible, for an actor to be in the ground truth
FALSE_ALARM_RATE = 0.5  # false positives per frame
SCORE, SCORE_SPREAD = 0.75, 0.12
FALSE_ALARM_SCORES = (0.1, 0.5)

CameraKind = Literal["still", "followed", "shaken"]
CAMERA_KINDS: tuple[CameraKind, ...] = get_args(CameraKind)


@dataclass(frozen=True, eq=False)
class SceneSequence:
    """A sequence and the artifacts of the stages before `track`."""

    kind: CameraKind
    sequence: MotSequence
    detections: Detections
    dense_flow: DenseFlow
    features: Features
    frames: Frames


def make_scene_sequence(seed: int, kind: CameraKind, folder: Path) -> SceneSequence:
    """The scene of `seed`, with its ground truth in MOTChallenge's format below `folder`."""
    scene = make_scene(seed, replace(SETTINGS, camera=0.0) if kind == "still" else SETTINGS)
    if kind == "shaken":
        scene = shake_camera(scene)
    home = folder / f"{kind}-{seed}"
    (home / "gt").mkdir(parents=True)
    (home / "gt" / "gt.txt").write_text("".join(_ground_truth_lines(scene)))
    height, width = scene.settings.height, scene.settings.width
    return SceneSequence(
        kind,
        MotSequence(home.name, home, len(scene), width, height, DEFAULT_FRAME_RATE),
        simulate_detections(scene),
        scene_artifacts.make_dense_flow(scene, FLOW_NOISE_PX).to(home / "dense_flow.parquet"),
        scene_artifacts.make_features(scene).to(home / "features.npy"),
        scene_artifacts.make_frames(scene).to(home / "frames.parquet"),
    )


def shake_camera(scene: Scene) -> Scene:
    """The same scene rendered with camera shake."""
    rng = np.random.default_rng([scene.seed, 1])
    focal = scene.camera.intrinsics[0, 0]
    rotations = np.stack(
        [_rotation(*rng.normal(0, SHAKE_PX / focal, 2)) @ rotation for rotation in scene.camera.rotations]
    )
    camera: SceneCamera = replace(scene.camera, rotations=rotations)
    shape = scene.settings.height, scene.settings.width
    views = [render_layers(scene.layers, camera, frame, *shape) for frame in range(len(scene))]
    lit = [view.colour * light for view, light in zip(views, scene.light, strict=True)]
    frames = np.clip(np.rint(np.stack(lit)), 0, 255).astype(np.uint8)
    return replace(scene, camera=camera, frames=frames, instances=np.stack([view.instances for view in views]))


def simulate_detections(scene: Scene) -> Detections:
    """The detections of a simulated detector of medium quality."""
    rng = np.random.default_rng([scene.seed, 2])
    parts = [_detect_actor(rng, scene, instance) for instance in _actor_instances(scene)] + [_false_alarms(rng, scene)]
    frame, score, xyxy = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((-score, frame))
    xyxy = xyxy[order].astype(np.float32)
    return Detections(
        frame=frame[order].astype(np.int32),
        class_id=np.zeros(len(order), np.int16),
        class_name=np.full(len(order), "actor", object),
        score=score[order].astype(np.float32),
        x1=xyxy[:, 0],
        y1=xyxy[:, 1],
        x2=xyxy[:, 2],
        y2=xyxy[:, 3],
        frame_count=len(scene),
        width=scene.settings.width,
        height=scene.settings.height,
    )


def _detect_actor(rng: np.random.Generator, scene: Scene, instance: int) -> tuple[NDArray[np.intp], Boxes, Boxes]:
    area = (scene.instances == instance).sum(axis=(1, 2))
    share = area / max(area.max(), 1)
    lapse = np.zeros(len(scene), np.bool_)
    for begin in np.flatnonzero(rng.uniform(size=len(scene)) < LAPSE_RATE):
        lapse[begin : begin + rng.geometric(1 / LAPSE_FRAMES)] = True
    found = np.flatnonzero((share >= MIN_VISIBLE_SHARE) & ~lapse & (rng.uniform(size=len(scene)) >= MISS_RATE))
    box = scene.boxes[instance - 1, found].astype(np.float64)
    size = np.tile(box[:, 2:] - box[:, :2], 2)
    score = rng.normal(SCORE, SCORE_SPREAD, len(found)) * np.sqrt(share[found])
    return found, np.clip(score, 0.05, 0.99), _sort_corners(box + BOX_NOISE * size * rng.normal(size=box.shape))


def _false_alarms(rng: np.random.Generator, scene: Scene) -> tuple[NDArray[np.intp], Boxes, Boxes]:
    frame = np.repeat(np.arange(len(scene)), rng.poisson(FALSE_ALARM_RATE, len(scene)))
    extent = np.array([scene.settings.width, scene.settings.height])
    centre, half = rng.uniform(0, 1, (len(frame), 2)) * extent, rng.uniform(0.06, 0.14, (len(frame), 2)) * extent[1]
    return frame, rng.uniform(*FALSE_ALARM_SCORES, len(frame)), np.concatenate([centre - half, centre + half], axis=1)


def _ground_truth_lines(scene: Scene) -> Iterator[str]:
    for instance in _actor_instances(scene):
        for frame in np.flatnonzero((scene.instances == instance).sum(axis=(1, 2)) >= MIN_TRUTH_PIXELS):
            x1, y1, x2, y2 = scene.boxes[instance - 1, frame]
            yield f"{frame + 1},{instance},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},1,-1,-1,-1\n"


def _actor_instances(scene: Scene) -> list[int]:
    return [layer.instance for layer in scene.layers if layer.class_id in ACTORS]


def _sort_corners(xyxy: Boxes) -> Boxes:
    corners = xyxy.reshape(-1, 2, 2)
    return np.sort(corners, axis=1).reshape(-1, 4)


def _rotation(about_x: float, about_y: float) -> NDArray[np.float64]:
    (cx, cy), (sx, sy) = np.cos([about_x, about_y]), np.sin([about_x, about_y])
    return np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
