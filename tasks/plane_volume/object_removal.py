"""Video object removal: the object's opacity is removed from the volume, and the rays are rendered without it.

1. A point belongs to the object by the share of frames in which it is visible under the object's mask, not beside it.
2. Colours are collected along the point's trajectory, from the nearest frames that see it beside the mask, with a gain
   per channel for changes of illumination (image-based rendering along flow: Li et al., "DynIBaR", CVPR 2023).
3. Pixels without any observation are inpainted (Telea, 2004).

Images may have a higher resolution than the volume.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from tasks.arrays import Image, Mask
from tasks.plane_volume.losses import is_inside
from tasks.plane_volume.mask_dilation import dilate_mask
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE
from tasks.plane_volume.plane_volume import PlaneVolume
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.plane_volume.volume_sampling import apply_homographies, sample_images

FIRST_LAYER = BACKGROUND_PLANE + 1  # plane in front of the background
EDGE_PX = 1  # dilation of masks: an object's anti-aliased edge reaches beyond its mask
FRAMES_AWAY = (*range(1, 9), *range(11, 24, 3))
"""Distances of the frames used to each side: all near ones, whose colours are taken first, and of those further away,
which tell what is behind a slow object, every third."""
MIN_VISIBILITY = 0.5  # least visibility of a point in a frame whose colour is used
MEDIAN_FRAMES = 5  # frames over which the median colour is taken, against noise and changes of illumination
MIN_KNOWN_SHARE = 0.3  # least share of a ray's weight with known colour; with less the pixel is inpainted
INPAINT_PX = 3.0  # as in OpenCV's tutorial on inpainting
GAIN_LIMITS = (0.5, 2.0)  # of the ratio of illumination between two frames
LATTICE_PX = 10  # distance of the points at which illumination is compared; 5 gives .01 dB more, at twice the time
PIXELS_PER_CHUNK = 1 << 14  # with eight planes and MAX_FRAMES_AWAY to both sides 80 MB


@dataclass(frozen=True, eq=False)
class RemovalFrames:
    """Images of a window and the masks of the object, on the device of the volume."""

    images: Tensor
    """(t, 4, h, w) float32, sampled in float, dozens of times each: RGB, 0..255, and 1 within the dilated mask."""
    scale: Tensor
    """(2,) pixels of the volume per image pixel, across and down."""

    def to_volume_pixels(self, pixel: Tensor) -> Tensor:
        """(n, 2) positions in the volume's frames of image pixels, numbered row by row."""
        width = self.images.shape[3]
        return (torch.stack([pixel % width, pixel // width], dim=1) + 0.5) * self.scale - 0.5

    def sample_frame(self, frame: int, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(..., 3) colours of a frame at (..., 2) positions in the volume's frames, and (...) whether they are beside
        the mask."""
        pixels = (positions.reshape(1, -1, 2) + 0.5) / self.scale - 0.5
        values = sample_images(self.images[frame][None], pixels)[0].reshape(*positions.shape[:-1], -1)
        return values[..., :3], values[..., 3] == 0


@dataclass(frozen=True, eq=False)
class _Observations:
    """Visibility and colour of the points of k planes on n rays, over all connected frames."""

    masked: Tensor
    """(k, n) sum over frames of the visibility at positions under the mask."""
    free: Tensor
    """(k, n) sum over frames of the visibility at positions outside the mask."""
    colour: Tensor
    """(k, n, 3) median colour at positions outside the mask; NaN where there is none."""


def remove_object(
    queries: VolumeQueries, images: Sequence[Image], masks: Sequence[Mask], frames: Sequence[int]
) -> Iterator[tuple[int, Image]]:
    """(frame, image without the object) of the chosen frames of a window."""
    dilated = [dilate_mask(mask, EDGE_PX) for mask in masks]
    device, (height, width) = queries.volume.low.device, images[0].shape[:2]
    window = RemovalFrames(
        torch.from_numpy(np.concatenate([images, np.stack(dilated)[..., None]], axis=3))
        .to(device)
        .permute(0, 3, 1, 2)
        .float()
        .contiguous(),
        torch.tensor([queries.size[1] / width, queries.size[0] / height], device=device),
    )
    for frame in frames:
        hole = dilated[frame]
        yield frame, _fill_hole(queries, window, images[frame], hole, frame) if hole.any() else images[frame]


def _fill_hole(queries: VolumeQueries, window: RemovalFrames, image: Image, hole: Mask, frame: int) -> Image:
    """The image of `frame` with the pixels of the (h, w) `hole` rendered without the object, or inpainted."""
    result, left = image.reshape(-1, 3).copy(), hole.reshape(-1).copy()
    gains = _estimate_gains(queries, window, frame)
    for pixel in np.array_split(np.flatnonzero(hole), -(-int(hole.sum()) // PIXELS_PER_CHUNK)):
        positions = window.to_volume_pixels(torch.from_numpy(pixel).to(window.images.device))
        colour, known = _render_rays(queries, window, positions, frame, gains)
        sure = known.cpu().numpy() > MIN_KNOWN_SHARE
        result[pixel[sure]], left[pixel[sure]] = colour.cpu().numpy()[sure], False
    result, left = result.reshape(image.shape), left.reshape(hole.shape)
    filled: Any = cv2.inpaint(result, left.astype(np.uint8), INPAINT_PX, cv2.INPAINT_TELEA) if left.any() else result
    return filled.astype(np.uint8)


def _render_rays(
    queries: VolumeQueries, window: RemovalFrames, positions: Tensor, frame: int, gains: dict[int, Tensor]
) -> tuple[Tensor, Tensor]:
    """(n, 3) uint8 colours of the rays through (n, 2) positions without the object, and (n,) their known share."""
    found = _observe_points(queries, window, positions, frame, gains)
    observed = ~found.colour[..., 0].isnan()
    # A point that is never visible outside the mask belongs to the object.
    removed = torch.where(observed, found.masked / (found.masked + found.free), 1.0)
    removed[BACKGROUND_PLANE] = 0  # never removed: under the mask, the object was visible in its place
    share = queries.volume.compute_ray_weights(frame, positions, removed) * observed
    known = share.sum(dim=0)
    colour = (share[..., None] * found.colour.nan_to_num()).sum(dim=0) / known.clamp(min=1e-6)[:, None]
    return colour.round().clamp(0, 255).byte(), known


def _observe_points(
    queries: VolumeQueries, window: RemovalFrames, positions: Tensor, frame: int, gains: dict[int, Tensor]
) -> _Observations:
    """Observations of all planes' points on the rays through (n, 2) positions of `frame`, which are all under the mask.

    The points are advected from frame to frame, first to those after `frame`, then to those before it.
    """
    volume = queries.volume
    start = volume.unproject_pixels(frame, positions[None].expand(volume.planes, -1, -1))
    masked = volume.compute_ray_weights(frame, positions)
    free = torch.zeros_like(masked)
    colours: dict[int, Tensor] = {}
    before, at = frame, start
    for other in _connected_frames(queries, frame):
        if (other > frame) != (before > frame):  # the first of either direction
            before, at = frame, start
        for step in range(before, other, 1 if other > before else -1):
            direction = 1 if other > before else -1
            velocity = queries.get_velocity(min(step, step + direction))
            # The background is static: motion there is of objects without a layer of their own.
            moved = volume.advect_step(at[FIRST_LAYER:], velocity[FIRST_LAYER:], direction)
            at = torch.cat([start[:FIRST_LAYER], moved])
        before = other
        pixels = volume.project_points(other, at)
        visible = compute_visibility(volume, other, pixels) * is_inside(pixels, queries.size)
        there, outside = window.sample_frame(other, pixels)
        beside = visible * outside
        masked, free = masked + visible - beside, free + beside
        colours[other] = torch.where((beside > MIN_VISIBILITY)[..., None], there * gains[other], torch.nan)
    nearest = sorted(colours, key=lambda other: (abs(other - frame), other))
    return _Observations(masked, free, _median_colour([colours[other] for other in nearest], start))


def compute_visibility(volume: PlaneVolume, frame: int, pixels: Tensor) -> Tensor:
    """(k, n) ray weight of plane k's point at its own pixel, of (k, n, 2): as PlaneVolume.compute_visibility, in half
    the time, since of the planes only a point's own and those before it are looked at."""
    nodes = torch.sigmoid(volume.density[frame])[:, None]
    found: list[Tensor] = []
    for plane, at in enumerate(pixels):
        points = apply_homographies(volume.from_frame[frame][plane:], at[None])
        opacity = volume.interpolate_nodes(nodes[plane:], points)[..., 0]
        own = opacity[0] if plane != BACKGROUND_PLANE else torch.ones_like(opacity[0])
        found.append(own * (1 - opacity[1:]).prod(dim=0))
    return torch.stack(found)


def _connected_frames(queries: VolumeQueries, frame: int) -> list[int]:
    """Frames used for a frame and connected to it by flow: those after it in order, then those before it."""
    found = [frame + side * away for side in (1, -1) for away in FRAMES_AWAY]
    return [other for other in found if 0 <= other < len(queries) and queries.is_connected(frame, other)]


def _median_colour(colours: Sequence[Tensor], points: Tensor) -> Tensor:
    """(k, n, 3) median of the first MEDIAN_FRAMES of the (k, n, 3) colours that are not NaN; NaN where none is."""
    if not colours:
        return torch.full((*points.shape[:2], 3), torch.nan, device=points.device)
    stack = torch.stack(list(colours))
    count = (~stack[..., :1].isnan()).cumsum(dim=0)
    return torch.where(count <= MEDIAN_FRAMES, stack, torch.nan).nanmedian(dim=0).values


def _estimate_gains(queries: VolumeQueries, window: RemovalFrames, frame: int) -> dict[int, Tensor]:
    """Connected frame to its (3,) gain per channel to `frame`: ratio of median colours of background points seen in
    both. The points are advected from frame to frame, as in `_observe_points`."""
    height, width = window.images.shape[2:]
    y, x = np.mgrid[LATTICE_PX // 2 : height : LATTICE_PX, LATTICE_PX // 2 : width : LATTICE_PX]
    pixel = torch.from_numpy((y * width + x).ravel()).to(window.images.device)
    pixel = pixel[window.images[frame, 3].reshape(-1)[pixel] == 0]
    positions = window.to_volume_pixels(pixel)
    seen = queries.volume.compute_ray_weights(frame, positions)[0] > MIN_VISIBILITY
    start = queries.volume.unproject_pixels(frame, positions[None])[0][seen]
    colours = window.images[frame, :3].reshape(3, -1).T[pixel[seen]]
    gains: dict[int, Tensor] = {}
    before, at = frame, start
    for other in _connected_frames(queries, frame):
        if (other > frame) != (before > frame):  # the first of either direction
            before, at = frame, start
        at = queries.advect_plane_points(0, at, before, other)
        before = other
        pixels, visible = queries.project_plane_points(other, 0, at)
        there, beside = window.sample_frame(other, pixels)
        gains[other] = _compare_colours(colours, there, (visible > MIN_VISIBILITY) & beside)
    return gains


def _compare_colours(colours: Tensor, there: Tensor, both: Tensor) -> Tensor:
    """(3,) ratio of the medians of (n, 3) colours to those of the same points `there`, where `both`; 1 without any."""
    if not both.any():
        return torch.ones(3, device=colours.device)
    return (colours[both].median(dim=0).values / there[both].median(dim=0).values.clamp(min=1)).clamp(*GAIN_LIMITS)
