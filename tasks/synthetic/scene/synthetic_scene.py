"""A scene of a seed, drawn, with the truth about every two of its frames.

A point is seen in a frame where it lies on the picture (to half a pixel beyond the outermost centres) and no nearer
layer covers it. Both are asked of closed forms at the exact place, not of a rounded pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import FlowField, Mask, Points
from tasks.errors import BadInput
from tasks.geometry.warp import pixel_grid
from tasks.synthetic.scene.layer_renderer import find_hidden, render_layers
from tasks.synthetic.scene.scene_camera import SceneCamera, draw_camera, invert_homography
from tasks.synthetic.scene.scene_layers import SceneGeometry, draw_layers
from tasks.synthetic.scene.texture_layer import TextureLayer

SCENE_VERSION = 1
"""Of the generator: scenes of one version, seed and settings are the same, bit by bit."""


@dataclass(frozen=True)
class SceneSettings:
    """What a scene is made of; two scenes of equal settings differ by their seeds alone."""

    frames: int = 24
    height: int = 144
    """Pixels; everything in the scene grows with it."""
    width: int = 256
    """Pixels."""
    actors: int = 6
    """Moving things: walkers, swingers and rollers in turn."""
    leaving: int = 1
    """How many of them leave the picture and come back."""
    occlusion: float = 0.4
    """0..1: how many posts stand in the way (up to four), and how close to one line the actors move."""
    camera: float = 1.0
    """How far the camera moves; 0 stands still."""
    light: float = 0.15
    """Change of each colour's brightness over time, at most; 0 is constant light."""
    noise: float = 3.0
    """Of the sensor, grey levels (standard deviation)."""

    def __post_init__(self) -> None:
        for name, least in (("frames", 1), ("height", 16), ("width", 16), ("actors", 0), ("leaving", 0)):
            if getattr(self, name) < least:
                raise BadInput(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.leaving > self.actors:
            raise BadInput(f"leaving must be at most actors ({self.actors}), got {self.leaving}")
        if not 0 <= self.occlusion <= 1:
            raise BadInput(f"occlusion must lie in 0..1, got {self.occlusion}")


@dataclass(frozen=True, eq=False)
class Scene:
    """The pictures, and what is true of them."""

    seed: int
    settings: SceneSettings
    layers: Sequence[TextureLayer]
    """From far to near; the first is the background, and the others stand at the place of their instance."""
    camera: SceneCamera
    light: NDArray[np.float64]
    """(t, 3) what each colour is multiplied with."""
    frames: NDArray[np.uint8]
    """(t, h, w, 3) RGB."""
    instances: NDArray[np.uint8]
    """(t, h, w) which layer is seen; 0 is the background."""

    def __len__(self) -> int:
        return self.settings.frames

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """(t, h, w) class of what is seen; names in `cast.CLASS_NAMES`."""
        return np.array([layer.class_id for layer in self.layers], np.uint8)[self.instances]

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """(t, h, w) distance of the layer that is seen, as it was in frame 0: what orders them."""
        return np.array([layer.distance for layer in self.layers], np.float32)[self.instances]

    @cached_property
    def cameras(self) -> NDArray[np.float64]:
        """(t, 3, 3) homography of the background from each frame to frame 0."""
        distance = self.layers[0].distance
        return np.stack([invert_homography(self.camera.homography(t, distance)) for t in range(len(self))])

    @cached_property
    def boxes(self) -> NDArray[np.float32]:
        """(n, t, 4) xyxy around the pixels seen of instance i, in row i - 1; NaN where none is.

        A box holds its pixels whole, so its edges lie half a pixel beyond their centres.
        """
        found = np.full((len(self.layers) - 1, len(self), 4), np.nan, np.float32)
        for frame, ids in enumerate(self.instances):
            for instance in np.unique(ids[ids > 0]):
                y, x = np.nonzero(ids == instance)
                found[instance - 1, frame] = x.min() - 0.5, y.min() - 0.5, x.max() + 0.5, y.max() + 0.5
        return found

    def flow(self, a: int, b: int) -> tuple[FlowField, Mask]:
        """(h, w, 2) pixels from frame `a` to frame `b`, and (h, w) where that point is seen in `b`.

        Where it is hidden or has left, the displacement is still that of the point.
        """
        grid = self._grid()
        moved, seen = self._carried(a, b, grid, self.instances[a].ravel(), self.layers)
        shape = self.instances.shape[1:]
        return (moved - grid).astype(np.float32).reshape(*shape, 2), seen.reshape(shape)

    def follow(self, frame: int, points: NDArray[Any]) -> tuple[NDArray[np.float32], Mask]:
        """(t, n, 2) where (n, 2) points seen in `frame` are in every frame, and (t, n) where they are seen."""
        at = np.asarray(points, np.float64).reshape(-1, 2)
        ids = self._top(frame, at, self.layers)
        ways = [self._carried(frame, other, at, ids, self.layers) for other in range(len(self))]
        return np.stack([moved for moved, _ in ways]).astype(np.float32), np.stack([seen for _, seen in ways])

    def without(self, frame: int, instance: int) -> NDArray[np.uint8]:
        """(h, w, 3) `frame` as it would be without `instance`, in its light, free of noise."""
        view = render_layers(self._others(instance), self.camera, frame, *self.instances.shape[1:])
        return _quantise(view.colour * self.light[frame])

    def seen_without(self, frame: int, instance: int) -> Mask:
        """(h, w) pixels of `instance` in `frame` behind which there is what some other frame shows."""
        mask = self.instances[frame] == instance
        at = self._grid()[mask.ravel()]
        behind = self._top(frame, at, self._others(instance))
        shown = np.zeros(len(at), np.bool_)
        for other in set(range(len(self))) - {frame}:
            left = np.flatnonzero(~shown)
            shown[left] = self._carried(frame, other, at[left], behind[left], self.layers)[1]
        found = np.zeros(mask.shape, np.bool_)
        found[mask] = shown
        return found

    def _grid(self) -> Points:
        return pixel_grid(*self.instances.shape[1:]).reshape(-1, 2).astype(np.float64)

    def _others(self, instance: int) -> list[TextureLayer]:
        if not 0 < instance < len(self.layers):
            raise BadInput(f"instance must lie in 1..{len(self.layers) - 1}, got {instance}")
        return [layer for layer in self.layers if layer.instance != instance]

    def _top(self, frame: int, at: Points, layers: Sequence[TextureLayer]) -> NDArray[np.uint8]:
        """(n,) which of `layers` is seen at points of `frame`."""
        found = np.zeros(len(at), np.uint8)
        for layer in layers:
            found[layer.covers(self.camera, frame, at)] = layer.instance
        return found

    def _carried(
        self, a: int, b: int, at: Points, ids: NDArray[np.uint8], layers: Sequence[TextureLayer]
    ) -> tuple[Points, Mask]:
        """(n, 2) where points of frame `a` on layers `ids` are in `b`, and (n,) whether `layers` let them be seen."""
        moved, seen = np.empty_like(at), np.empty(len(at), np.bool_)
        height, width = self.instances.shape[1:]
        for instance in np.unique(ids):
            layer, chosen = self.layers[instance], ids == instance
            there = layer.to_image(self.camera, b, layer.to_own(self.camera, a, at[chosen]))
            inside = ((there >= -0.5) & (there < (width - 0.5, height - 0.5))).all(axis=1)
            nearer = [other for other in layers if other.instance > instance]
            moved[chosen], seen[chosen] = there, inside & ~find_hidden(nearer, self.camera, b, there)
        return moved, seen


def make_scene(seed: int, settings: SceneSettings | None = None) -> Scene:
    """The scene of `seed`."""
    settings = settings or SceneSettings()
    frames, height, width = settings.frames, settings.height, settings.width
    # One stream each, so that a setting that changes one thing leaves the others as they are.
    moves, plays, shines, senses = (np.random.default_rng([SCENE_VERSION, seed, n]) for n in range(4))
    camera = draw_camera(moves, frames, height, width, settings.camera)
    venue = SceneGeometry(frames, height, width, camera)
    layers = draw_layers(plays, venue, settings.actors, settings.leaving, settings.occlusion)
    light = _draw_light(shines, venue.time, settings.light)
    views = [render_layers(layers, camera, frame, height, width) for frame in range(frames)]
    noise = (settings.noise * senses.normal(size=(height, width, 3)) for _ in views)
    images = [_quantise(view.colour * gain + grain) for view, gain, grain in zip(views, light, noise, strict=True)]
    instances = np.stack([view.instances for view in views])
    return Scene(seed, settings, layers, camera, light, np.stack(images), instances)


def _draw_light(rng: np.random.Generator, time: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """(t, 3) a slow change of brightness, somewhat different for each colour."""
    common, own = rng.uniform(0, 1), rng.uniform(0, 1, 3)
    waves = 0.75 * np.sin(2 * np.pi * (0.7 * time + common))[:, None] + 0.25 * np.sin(2 * np.pi * (time[:, None] + own))
    return 1 + strength * waves


def _quantise(colour: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)
