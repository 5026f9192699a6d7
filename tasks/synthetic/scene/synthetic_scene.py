"""Rendering of a synthetic scene from a seed, with ground-truth correspondence of any two frames.

A point is visible in a frame where it lies inside the image (up to half a pixel beyond the outermost pixel centres) and
no nearer layer covers it. Both are evaluated at the exact position in closed form, not at a rounded pixel.
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
    """Parameters of a scene; scenes of equal settings differ by their seeds."""

    frames: int = 24
    height: int = 144
    """Image height in pixels; all sizes in the scene scale with it."""
    width: int = 256
    """Pixels."""
    actors: int = 6
    """Number of moving objects: walkers, swingers and rollers in turn."""
    leaving: int = 1
    """Number of actors that leave the image and return."""
    occlusion: float = 0.4
    """0..1: controls the number of occluding posts (up to four) and how close to one line the actors move."""
    camera: float = 1.0
    """Strength of the camera motion; 0 is static."""
    light: float = 0.15
    """Largest relative change of each colour channel's illumination over time; 0 is constant."""
    noise: float = 3.0
    """Standard deviation of the sensor noise, grey levels."""

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
    """Rendered frames with ground truth."""

    seed: int
    settings: SceneSettings
    layers: Sequence[TextureLayer]
    """From far to near; the index is the instance number, 0 the background."""
    camera: SceneCamera
    light: NDArray[np.float64]
    """(t, 3) illumination factor of each colour channel."""
    frames: NDArray[np.uint8]
    """(t, h, w, 3) RGB."""
    instances: NDArray[np.uint8]
    """(t, h, w) visible instance; 0 is the background."""

    def __len__(self) -> int:
        return self.settings.frames

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """(t, h, w) class of the visible layer; names in `scene_layers.CLASS_NAMES`."""
        return np.array([layer.class_id for layer in self.layers], np.uint8)[self.instances]

    @cached_property
    def depth(self) -> NDArray[np.float32]:
        """(t, h, w) depth of the visible layer in frame 0, which orders the layers."""
        return np.array([layer.distance for layer in self.layers], np.float32)[self.instances]

    @cached_property
    def cameras(self) -> NDArray[np.float64]:
        """(t, 3, 3) homography of the background from each frame to frame 0."""
        distance = self.layers[0].distance
        return np.stack([invert_homography(self.camera.homography(t, distance)) for t in range(len(self))])

    @cached_property
    def boxes(self) -> NDArray[np.float32]:
        """(n, t, 4) xyxy of the visible pixels of instance i, in row i - 1; NaN where none is visible.

        Edges lie half a pixel beyond the pixel centres.
        """
        found = np.full((len(self.layers) - 1, len(self), 4), np.nan, np.float32)
        for frame, ids in enumerate(self.instances):
            for instance in np.unique(ids[ids > 0]):
                y, x = np.nonzero(ids == instance)
                found[instance - 1, frame] = x.min() - 0.5, y.min() - 0.5, x.max() + 0.5, y.max() + 0.5
        return found

    def flow(self, a: int, b: int) -> tuple[FlowField, Mask]:
        """(h, w, 2) flow from frame `a` to frame `b` in pixels, and (h, w) visibility of the points in `b`.

        The displacement is exact also where the point is occluded or outside the image.
        """
        grid = self._pixel_points()
        moved, seen = self._map_points(a, b, grid, self.instances[a].ravel(), self.layers)
        shape = self.instances.shape[1:]
        return (moved - grid).astype(np.float32).reshape(*shape, 2), seen.reshape(shape)

    def track_points(self, frame: int, points: NDArray[Any]) -> tuple[NDArray[np.float32], Mask]:
        """(t, n, 2) positions in every frame of (n, 2) visible points of `frame`, and (t, n) their visibility."""
        at = np.asarray(points, np.float64).reshape(-1, 2)
        ids = self._topmost_layer(frame, at, self.layers)
        ways = [self._map_points(frame, other, at, ids, self.layers) for other in range(len(self))]
        return np.stack([moved for moved, _ in ways]).astype(np.float32), np.stack([seen for _, seen in ways])

    def render_without(self, frame: int, instance: int) -> NDArray[np.uint8]:
        """(h, w, 3) `frame` rendered without `instance`, with its illumination, without noise."""
        view = render_layers(self._layers_without(instance), self.camera, frame, *self.instances.shape[1:])
        return _quantise(view.colour * self.light[frame])

    def find_visible_behind(self, frame: int, instance: int) -> Mask:
        """(h, w) pixels of `instance` in `frame` whose occluded background is visible in another frame."""
        mask = self.instances[frame] == instance
        at = self._pixel_points()[mask.ravel()]
        behind = self._topmost_layer(frame, at, self._layers_without(instance))
        shown = np.zeros(len(at), np.bool_)
        for other in set(range(len(self))) - {frame}:
            left = np.flatnonzero(~shown)
            shown[left] = self._map_points(frame, other, at[left], behind[left], self.layers)[1]
        found = np.zeros(mask.shape, np.bool_)
        found[mask] = shown
        return found

    def _pixel_points(self) -> Points:
        return pixel_grid(*self.instances.shape[1:]).reshape(-1, 2).astype(np.float64)

    def _layers_without(self, instance: int) -> list[TextureLayer]:
        if not 0 < instance < len(self.layers):
            raise BadInput(f"instance must lie in 1..{len(self.layers) - 1}, got {instance}")
        return [layer for layer in self.layers if layer.instance != instance]

    def _topmost_layer(self, frame: int, at: Points, layers: Sequence[TextureLayer]) -> NDArray[np.uint8]:
        """(n,) instance of the nearest of `layers` at points of `frame`."""
        found = np.zeros(len(at), np.uint8)
        for layer in layers:
            found[layer.covers(self.camera, frame, at)] = layer.instance
        return found

    def _map_points(
        self, a: int, b: int, at: Points, ids: NDArray[np.uint8], layers: Sequence[TextureLayer]
    ) -> tuple[Points, Mask]:
        """(n, 2) positions in frame `b` of points of frame `a` on layers `ids`, and (n,) their visibility."""
        moved, seen = np.empty_like(at), np.empty(len(at), np.bool_)
        height, width = self.instances.shape[1:]
        for instance in np.unique(ids):
            layer, chosen = self.layers[instance], ids == instance
            there = layer.to_image(self.camera, b, layer.to_own(self.camera, a, at[chosen]))
            inside = ((there >= -0.5) & (there < (width - 0.5, height - 0.5))).all(axis=1)  # noqa: PLR2004  half a pixel beyond the outermost centres
            nearer = [other for other in layers if other.instance > instance]
            moved[chosen], seen[chosen] = there, inside & ~find_hidden(nearer, self.camera, b, there)
        return moved, seen


def make_scene(seed: int, settings: SceneSettings | None = None) -> Scene:
    """The scene of `seed`."""
    settings = settings or SceneSettings()
    frames, height, width = settings.frames, settings.height, settings.width
    # Separate random streams, so that changing one setting does not change the other parts of the scene.
    moves, plays, shines, senses = (np.random.default_rng([SCENE_VERSION, seed, n]) for n in range(4))
    camera = draw_camera(moves, frames, height, width, settings.camera)
    geometry = SceneGeometry(frames, height, width, camera)
    layers = draw_layers(plays, geometry, settings.actors, settings.leaving, settings.occlusion)
    light = _draw_light(shines, geometry.time, settings.light)
    views = [render_layers(layers, camera, frame, height, width) for frame in range(frames)]
    noise = (settings.noise * senses.normal(size=(height, width, 3)) for _ in views)
    images = [_quantise(view.colour * gain + grain) for view, gain, grain in zip(views, light, noise, strict=True)]
    instances = np.stack([view.instances for view in views])
    return Scene(seed, settings, layers, camera, light, np.stack(images), instances)


def _draw_light(rng: np.random.Generator, time: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """(t, 3) slowly varying illumination factors, slightly different per colour channel."""
    common, own = rng.uniform(0, 1), rng.uniform(0, 1, 3)
    waves = 0.75 * np.sin(2 * np.pi * (0.7 * time + common))[:, None] + 0.25 * np.sin(2 * np.pi * (time[:, None] + own))
    return 1 + strength * waves


def _quantise(colour: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)
