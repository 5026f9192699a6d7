"""One flat thing: its outline, texture and motion, and its way through the camera to pixels and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points
from tasks.synthetic.scene.actor_motion import ActorMotion
from tasks.synthetic.scene.layer_outline import LayerOutline
from tasks.synthetic.scene.layer_texture import LayerTexture
from tasks.synthetic.scene.scene_camera import SceneCamera, invert_homography, transform_points

MARGIN_PX = 1.0  # an outline's soft edge reaches half a pixel beyond it


@dataclass(frozen=True, eq=False)
class TextureLayer:
    """A thing of the scene; points of it are named by their own coordinates, which never change."""

    instance: int
    """0 for the background."""
    class_id: int
    distance: float
    """From the camera in frame 0: what is nearer hides what is farther."""
    outline: LayerOutline
    texture: LayerTexture
    texture_origin: tuple[float, float]
    """Where in the texture its middle lies: another piece of the same cloth for each."""
    motion: ActorMotion

    def to_image(self, camera: SceneCamera, frame: int, own: Points) -> Points:
        """(n, 2) points of the layer to pixels of `frame`."""
        return transform_points(camera.homography(frame, self.distance), self.motion.forward(frame, own))

    def to_own(self, camera: SceneCamera, frame: int, pixels: Points) -> Points:
        """(n, 2) pixels of `frame` to points of the layer's plane."""
        back = invert_homography(camera.homography(frame, self.distance))
        return self.motion.inverse(frame, transform_points(back, pixels))

    def covers(self, camera: SceneCamera, frame: int, pixels: Points) -> NDArray[np.bool_]:
        """(n,) whether the layer would be seen at pixels of `frame` if nothing were nearer."""
        left, top, right, bottom = self.bounds(camera, frame)
        x, y = pixels.T
        near = np.flatnonzero((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
        covered = np.zeros(len(pixels), np.bool_)
        covered[near] = self.outline.distance(self.to_own(camera, frame, pixels[near])) < 0
        return covered

    def colour(self, own: Points) -> NDArray[np.float64]:
        """(n, 3) its colour at its own points, grey levels before any light."""
        return self.texture.sample(own + self.texture_origin)

    def bounds(self, camera: SceneCamera, frame: int) -> NDArray[np.float64]:
        """(4,) xyxy in `frame` that holds all of it, by more than it needs."""
        reach = np.add(self.outline.extent, self.motion.reach() + MARGIN_PX)
        if np.isinf(reach).any():
            return np.array([-np.inf, -np.inf, np.inf, np.inf])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach
        # The bends must not apply to the corners: a box that has room for them holds what they make of the outline.
        plane = corners @ self.motion.turn(frame).T + self.motion.centres[frame]
        seen = transform_points(camera.homography(frame, self.distance), plane)
        return np.concatenate([seen.min(axis=0), seen.max(axis=0)])
