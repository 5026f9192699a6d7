"""Random layers of a scene: background, actors of three classes, and occluding posts.

Walkers and swingers have the same texture and shape and differ by motion only. Rollers have a texture of their own.
Posts are static near the camera and occlude everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.synthetic.scene.actor_motion import ActorMotion, make_still_motion
from tasks.synthetic.scene.layer_outline import BlobOutline, PostOutline, UnboundedOutline
from tasks.synthetic.scene.layer_texture import TEXTURE_SIDE, LayerTexture, draw_texture
from tasks.synthetic.scene.scene_camera import SceneCamera, invert_homography, transform_points
from tasks.synthetic.scene.texture_layer import TextureLayer

BACKGROUND, WALKER, SWINGER, ROLLER, POST = range(5)
CLASS_NAMES = ("background", "walker", "swinger", "roller", "post")
ACTORS = (WALKER, SWINGER, ROLLER)

REFERENCE_HEIGHT = 144  # pixels: the size that lengths below are given for; other sizes scale them
BACKGROUND_DISTANCE = 10.0
ACTOR_DISTANCES = (4.0, 8.0)
POST_DISTANCES = (2.0, 3.0)
BLOB_RADII = (14.0, 22.0)  # pixels
MAX_BUMPS = (0.12, 0.08, 0.05, 0.03)  # of a blob's outline, shares of its radius at most
MAX_BEND = 3.0  # pixels at most
BEND_WAVE = 2 * np.pi / 45  # radians per pixel: somewhat more than one wave on an actor
SPREAD = (0.36, 0.1)  # to each side of the middle, shares of the picture's height, at occlusion 0 and 1
WALK = (0.1, 0.3), (0.7, 0.9)  # from and to, shares of the picture's width
SWING = (0.08, 0.16)  # to each side, shares of the picture's width
MAX_ROLL = 0.25  # at most, shares of the picture's width
POST_HALF_WIDTHS = (5.0, 11.0)  # pixels
MAX_POSTS = 4
EXIT_EXTENTS = (
    2.0  # extents beyond the border that a leaving actor moves: it may be scaled, and the camera may come nearer
)
CLOTH_HUES = (0.0, 0.25, 0.45, 0.12)  # offsets from the background's hue: shared texture, roller, post


@dataclass(frozen=True)
class SceneGeometry:
    """Size, length and camera of a scene."""

    frames: int
    height: int
    width: int
    camera: SceneCamera

    @property
    def unit(self) -> float:
        """Pixels per pixel of REFERENCE_HEIGHT."""
        return self.height / REFERENCE_HEIGHT

    @property
    def time(self) -> NDArray[np.float64]:
        """(t,) from 0 to 1."""
        return np.arange(self.frames) / max(1, self.frames - 1)


def draw_layers(
    rng: np.random.Generator, geometry: SceneGeometry, actors: int, leaving: int, occlusion: float
) -> list[TextureLayer]:
    """Background, actors and posts from far to near; instances are numbered in this order."""
    cloths = _draw_textures(rng)
    leavers = set(rng.permutation(actors)[:leaving].tolist())
    distances = rng.permutation(np.linspace(*ACTOR_DISTANCES, max(actors, 1)))
    drawn = [_make_background(geometry, cloths[BACKGROUND])]
    for n in range(actors):
        kind = ACTORS[n % len(ACTORS)]
        place, leaves = float(distances[n]), n in leavers
        drawn.append(_draw_actor(rng, geometry, kind, place, cloths[kind], occlusion=occlusion, leaves=leaves))
    posts = round(MAX_POSTS * occlusion)
    for n, distance in enumerate(np.linspace(*POST_DISTANCES, posts)):
        drawn.append(_draw_post(rng, geometry, float(distance), n / posts, cloths[POST]))
    drawn.sort(key=lambda layer: -layer.distance)
    return [replace(layer, instance=n) for n, layer in enumerate(drawn)]


def _make_background(geometry: SceneGeometry, cloth: LayerTexture) -> TextureLayer:
    middle = (geometry.width - 1) / 2, (geometry.height - 1) / 2
    return TextureLayer(
        0,
        BACKGROUND,
        BACKGROUND_DISTANCE,
        UnboundedOutline(),
        cloth,
        (0.0, 0.0),
        make_still_motion(geometry.frames, middle),
    )


def _draw_actor(
    rng: np.random.Generator,
    geometry: SceneGeometry,
    kind: int,
    distance: float,
    cloth: LayerTexture,
    *,
    occlusion: float,
    leaves: bool,
) -> TextureLayer:
    outline = BlobOutline(
        rng.uniform(*BLOB_RADII) * geometry.unit,
        rng.uniform(-1, 1, len(MAX_BUMPS)) * MAX_BUMPS,
        rng.uniform(0, 2 * np.pi, len(MAX_BUMPS)),
    )
    motion = _draw_motion(rng, geometry, kind, occlusion)
    if leaves:
        motion = _add_exit(rng, geometry, motion, outline.extent[0])
    motion = replace(motion, centres=_backproject_to_plane(geometry, distance, motion.centres))
    x, y = rng.uniform(0, TEXTURE_SIDE, 2)
    return TextureLayer(0, kind, distance, outline, cloth, (float(x), float(y)), motion)


def _draw_post(
    rng: np.random.Generator, geometry: SceneGeometry, distance: float, share: float, cloth: LayerTexture
) -> TextureLayer:
    x = geometry.width * (share + rng.uniform(0.05, 0.2))
    outline = PostOutline(rng.uniform(*POST_HALF_WIDTHS) * geometry.unit, 2.0 * geometry.height)
    return TextureLayer(
        0, POST, distance, outline, cloth, (0.0, 0.0), make_still_motion(geometry.frames, (x, geometry.height / 2))
    )


def _draw_motion(rng: np.random.Generator, geometry: SceneGeometry, kind: int, occlusion: float) -> ActorMotion:
    """Random motion of an actor in image pixels: with more `occlusion` closer to one line, so that actors meet."""
    time, unit = geometry.time, geometry.unit
    spread = SPREAD[0] + (SPREAD[1] - SPREAD[0]) * occlusion
    y = geometry.height * (0.5 + rng.uniform(-spread, spread)) + 4 * unit * np.sin(
        2 * np.pi * (2 * time + rng.uniform())
    )
    phase = rng.uniform(0, 2 * np.pi)
    if kind == WALKER:
        ends = np.array([rng.uniform(*WALK[0]), rng.uniform(*WALK[1])])[:: rng.choice((-1, 1))]
        x = geometry.width * (ends[0] + (ends[1] - ends[0]) * time)
        angles = 0.1 * np.sin(4 * np.pi * time + phase)
    elif kind == SWINGER:
        x = geometry.width * (rng.uniform(0.25, 0.75) + rng.uniform(*SWING) * np.sin(2 * np.pi * time + phase))
        angles = 0.5 * np.sin(2 * np.pi * time + phase)
    else:
        x = geometry.width * (rng.uniform(0.2, 0.8) + rng.uniform(-MAX_ROLL, MAX_ROLL) * time)
        angles = rng.choice((-1, 1)) * np.pi * time
    bend = MAX_BEND * unit * np.sin(2 * np.pi * (rng.uniform(1, 2) * time + rng.uniform()))
    phases = rng.uniform(0, 2 * np.pi, 2) + 2 * np.pi * rng.uniform(-1, 1, 2) * time[:, None]
    scales = 1 + 0.12 * np.sin(2 * np.pi * time + phase)
    return ActorMotion(np.stack([x, y], axis=1), angles, scales, bend, bend[::-1], BEND_WAVE / unit, phases)


def _add_exit(rng: np.random.Generator, geometry: SceneGeometry, motion: ActorMotion, extent: float) -> ActorMotion:
    """The motion with an exit from the image in the middle of the clip, and a return."""
    begin, end = rng.uniform(0.1, 0.25), rng.uniform(0.75, 0.9)
    beyond = (extent + motion.max_bend_px()) * EXIT_EXTENTS
    x = -beyond if rng.random() < 0.5 else geometry.width + beyond  # noqa: PLR2004  one half
    # A squared sine clipped at 1: smooth start and end, and some time outside.
    away = np.clip((geometry.time - begin) / (end - begin), 0, 1)
    share = np.minimum(1, 1.5 * np.sin(np.pi * away) ** 2)[:, None]
    return replace(motion, centres=motion.centres + share * ((x, 0.0) - motion.centres * (1, 0)))


def _backproject_to_plane(geometry: SceneGeometry, distance: float, seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """(t, 2) points on the plane at `distance` that project to the (t, 2) pixels of their frames.

    Paths are defined in the image, as if the camera followed the actors, which would leave it for good otherwise.
    """
    back = [invert_homography(geometry.camera.homography(frame, distance)) for frame in range(geometry.frames)]
    return np.concatenate([transform_points(way, at[None]) for way, at in zip(back, seen, strict=True)])


def _draw_textures(rng: np.random.Generator) -> dict[int, LayerTexture]:
    """One texture per class; walkers and swingers share one."""
    hue = rng.uniform()
    scenery, shared, roller, post = (_draw_class_texture(rng, hue + turn) for turn in CLOTH_HUES)
    return {BACKGROUND: scenery, WALKER: shared, SWINGER: shared, ROLLER: roller, POST: post}


def _draw_class_texture(rng: np.random.Generator, hue: float) -> LayerTexture:
    dark = _rgb(hue + rng.uniform(-0.06, 0.06), rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.4))
    light = _rgb(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.2, 0.5), rng.uniform(0.6, 0.85))
    return draw_texture(rng, (dark, light), rng.uniform(0, np.pi))


def _rgb(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """(3,) grey levels 0..255."""
    hsv = np.array([[[hue % 1 * 360, saturation, value]]], np.float32)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64) * 255
