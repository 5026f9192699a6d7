"""A flat textured layer: outline, texture, motion, and mapping between its coordinates and image pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Points
from tasks.synthetic.scene.actor_motion import ActorMotion
from tasks.synthetic.scene.layer_outline import LayerOutline
from tasks.synthetic.scene.layer_texture import LayerTexture
from tasks.synthetic.scene.scene_camera import SceneCamera, invert_homography, transform_points

MARGIN_PX = 1.0  # an anti-aliased edge extends half a pixel beyond the outline


@dataclass(frozen=True, eq=False)
class TextureLayer:
    """An object of the scene; its points have layer coordinates, which are constant over time."""

    instance: int
    """0 for the background."""
    class_id: int
    distance: float
    """Depth from the camera in frame 0: nearer layers occlude farther ones."""
    outline: LayerOutline
    texture: LayerTexture
    texture_origin: tuple[float, float]
    """Texture coordinates of its centre: layers of one texture show different parts of it."""
    motion: ActorMotion

    def to_image(self, camera: SceneCamera, frame: int, own: Points) -> Points:
        """(n, 2) pixels of `frame` of points in layer coordinates."""
        return transform_points(camera.homography(frame, self.distance), self.motion.to_plane(frame, own))

    def to_own(self, camera: SceneCamera, frame: int, pixels: Points) -> Points:
        """(n, 2) layer coordinates of pixels of `frame`."""
        back = invert_homography(camera.homography(frame, self.distance))
        return self.motion.to_layer(frame, transform_points(back, pixels))

    def covers(self, camera: SceneCamera, frame: int, pixels: Points) -> NDArray[np.bool_]:
        """(n,) whether the layer covers pixels of `frame`, occlusion aside."""
        left, top, right, bottom = self.bounds(camera, frame)
        x, y = pixels.T
        near = np.flatnonzero((x >= left) & (x <= right) & (y >= top) & (y <= bottom))
        covered = np.zeros(len(pixels), np.bool_)
        covered[near] = self.outline.distance(self.to_own(camera, frame, pixels[near])) < 0
        return covered

    def colour(self, own: Points) -> NDArray[np.float64]:
        """(n, 3) colours at points in layer coordinates, grey levels before illumination."""
        return self.texture.sample(own + self.texture_origin)

    def bounds(self, camera: SceneCamera, frame: int) -> NDArray[np.float64]:
        """(4,) conservative xyxy bounding box in `frame`."""
        reach = np.add(self.outline.extent, self.motion.max_bend_px() + MARGIN_PX)
        if np.isinf(reach).any():
            return np.array([-np.inf, -np.inf, np.inf, np.inf])
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * reach
        # Bending is not applied to the corners: the box is enlarged by its largest displacement instead.
        plane = corners @ self.motion.rotation_scale(frame).T + self.motion.centres[frame]
        seen = transform_points(camera.homography(frame, self.distance), plane)
        return np.concatenate([seen.min(axis=0), seen.max(axis=0)])
