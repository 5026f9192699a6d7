"""A thing taken out: its points have no density any more, and what the rays then meet is rendered.

Whether a point is part of the thing is asked where the point is seen in other frames: under the thing's mask there, or
not. Colours are gathered along the point's way as well, from the frames nearest in time that see it beside the mask,
brought to the light of the frame in hand (image-based rendering along flow: Li et al., "DynIBaR", CVPR 2023). What no
frame sees is filled from its surroundings (Telea, 2004). Pictures may be finer than the volume.
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
from tasks.plane_volume.plane_layout import BACKGROUND_PLANE
from tasks.plane_volume.volume_queries import VolumeQueries
from tasks.plane_volume.volume_sampling import sample_images

EDGE_PX = 1  # beyond its mask a thing's soft outline still colours pixels
REACH = 24  # frames that are asked to each side
SEEN = 0.5  # of a point in a frame, to take its colour from there
MIXED = 5  # frames that a colour is the median of: light and noise differ, the middle is near the truth
KNOWN = 0.3  # share of a ray whose colour is known: with less it is filled in
INPAINT_PX = 3.0  # as in OpenCV's tutorial on inpainting
LIGHT = (0.5, 2.0)  # what light may do between two frames
LATTICE_PX = 5  # between the points by which light is compared
AT_ONCE = 1 << 14  # pixels: with eight planes and REACH to both sides 80 MB


@dataclass(frozen=True, eq=False)
class RemovalFrames:
    """Pictures of a window and the masks of what is to go, on the device of the volume."""

    images: Tensor
    """(t, 3, h, w) uint8."""
    hidden: Tensor
    """(t, 1, h, w) 0 or 1: what it covers, with its soft edge."""
    scale: Tensor
    """(2,) pixels of the volume per pixel, across and down."""

    def places(self, pixel: Tensor) -> Tensor:
        """(n, 2) where pixels, numbered row by row, lie in the volume's frames."""
        width = self.images.shape[3]
        return (torch.stack([pixel % width, pixel // width], dim=1) + 0.5) * self.scale - 0.5

    def at(self, images: Tensor, places: Tensor) -> Tensor:
        """(k, n, c) values of one (c, h, w) image of all frames at (k, n, 2) places of the volume's."""
        pixels = (places + 0.5) / self.scale - 0.5
        return sample_images(images.float()[None].expand(len(places), -1, -1, -1), pixels)


@dataclass(frozen=True, eq=False)
class _Gathered:
    """Of points (k, n): evidence from other frames."""

    own: Tensor
    """In how many they are seen under the mask."""
    free: Tensor
    """In how many they are seen beside it."""
    colour: Tensor
    """(k, n, 3) there; NaN where there is none."""


def remove_object(
    reader: VolumeQueries, images: Sequence[Image], masks: Sequence[Mask], frames: Sequence[int]
) -> Iterator[tuple[int, Image]]:
    """(frame, image without the thing) of the chosen frames of a window."""
    around = np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)
    grown = [cv2.dilate(mask.astype(np.uint8), around) for mask in masks]
    device, (height, width) = reader.volume.low.device, images[0].shape[:2]
    film = RemovalFrames(
        torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2),
        torch.from_numpy(np.stack(grown)).to(device)[:, None],
        torch.tensor([reader.size[1] / width, reader.size[0] / height], device=device),
    )
    for frame in frames:
        hole = grown[frame].astype(np.bool_)
        yield frame, _without(reader, film, images[frame], hole, frame) if hole.any() else images[frame]


def _without(reader: VolumeQueries, film: RemovalFrames, image: Image, hole: Mask, frame: int) -> Image:
    result, left = image.reshape(-1, 3).copy(), hole.reshape(-1).copy()
    light = {other: _light(reader, film, frame, other) for other in _others(reader, frame)}
    for pixel in np.array_split(np.flatnonzero(hole), -(-int(hole.sum()) // AT_ONCE)):
        places = film.places(torch.from_numpy(pixel).to(film.images.device))
        colour, known = _rendered(reader, film, places, frame, light)
        sure = known.cpu().numpy() > KNOWN
        result[pixel[sure]], left[pixel[sure]] = colour.cpu().numpy()[sure], False
    result, left = result.reshape(image.shape), left.reshape(hole.shape)
    filled: Any = cv2.inpaint(result, left.astype(np.uint8), INPAINT_PX, cv2.INPAINT_TELEA) if left.any() else result
    return filled.astype(np.uint8)


def _rendered(
    reader: VolumeQueries, film: RemovalFrames, places: Tensor, frame: int, light: dict[int, Tensor]
) -> tuple[Tensor, Tensor]:
    """(n, 3) uint8 colours of the rays through (n, 2) places without the thing, and (n,) how much of each is known."""
    found = _gathered(reader, film, places, frame, light)
    shown = ~found.colour[..., 0].isnan()
    # A point that no frame sees beside the mask is not there: nothing speaks for it.
    gone = torch.where(shown, found.own / (found.own + found.free), 1.0)
    gone[BACKGROUND_PLANE] = 0  # there is always a backdrop: what was seen on it under the mask was the thing
    share = reader.volume.weights(frame, places, gone) * shown
    known = share.sum(dim=0)
    colour = (share[..., None] * found.colour.nan_to_num()).sum(dim=0) / known.clamp(min=1e-6)[:, None]
    return colour.round().clamp(0, 255).byte(), known


def _gathered(
    reader: VolumeQueries, film: RemovalFrames, places: Tensor, frame: int, light: dict[int, Tensor]
) -> _Gathered:
    """Evidence of all planes along the rays through some places of a frame, themselves under the mask."""
    volume = reader.volume
    begun = volume.onto(frame, places[None].expand(volume.planes, -1, -1))
    own = volume.weights(frame, places)
    free = torch.zeros_like(own)
    colours: dict[int, Tensor] = {}
    before, at = frame, begun
    for other in _others(reader, frame):
        if abs(other - before) != 1:  # the way back begins
            before, at = frame, begun
        at = volume.moved(at, reader.velocity(min(other, before)), other - before)
        at[BACKGROUND_PLANE] = begun[
            BACKGROUND_PLANE
        ]  # what moves there is a thing that no layer has: what lies behind it rests
        before = other
        pixels = volume.pixels(other, at)
        seen = volume.seen(other, pixels) * is_inside(pixels, reader.size)
        beside = seen * (film.at(film.hidden[other], pixels)[..., 0] == 0)
        own, free = own + seen - beside, free + beside
        there = film.at(film.images[other], pixels) * light[other]
        colours[other] = torch.where((beside > SEEN)[..., None], there, torch.nan)
    nearest = sorted(colours, key=lambda other: (abs(other - frame), other))
    return _Gathered(own, free, _middle([colours[other] for other in nearest], begun))


def _others(reader: VolumeQueries, frame: int) -> list[int]:
    """Frames that flow joins with a frame: those after it in order, then those before it."""
    ahead = range(frame + 1, min(len(reader), frame + REACH + 1))
    behind = range(frame - 1, max(-1, frame - REACH - 1), -1)
    return [other for way in (ahead, behind) for other in way if reader.joined(frame, other)]


def _middle(colours: Sequence[Tensor], points: Tensor) -> Tensor:
    """(k, n, 3) median of the first MIXED of the (k, n, 3) colours that are known; NaN where none is."""
    if not colours:
        return torch.full((*points.shape[:2], 3), torch.nan, device=points.device)
    stack = torch.stack(list(colours))
    count = (~stack[..., :1].isnan()).cumsum(dim=0)
    return torch.where(count <= MIXED, stack, torch.nan).nanmedian(dim=0).values


def _light(reader: VolumeQueries, film: RemovalFrames, frame: int, other: int) -> Tensor:
    """(3,) what colours of `other` are multiplied with to be those of `frame`: as points seen in both have it."""
    height, width = film.images.shape[2:]
    y, x = np.mgrid[LATTICE_PX // 2 : height : LATTICE_PX, LATTICE_PX // 2 : width : LATTICE_PX]
    pixel = torch.from_numpy((y * width + x).ravel()).to(film.images.device)
    pixel = pixel[film.hidden[frame].reshape(-1)[pixel] == 0]
    places = film.places(pixel)
    share = reader.volume.weights(frame, places)[0]
    at = reader.moved(0, reader.volume.onto(frame, places[None])[0], frame, other)
    pixels, seen = reader.landed(other, 0, at)
    both = (share > SEEN) & (seen > SEEN) & (film.at(film.hidden[other], pixels[None])[0, :, 0] == 0)
    if not both.any():
        return torch.ones(3, device=pixels.device)
    here = film.images[frame].reshape(3, -1).T[pixel[both]].float()
    there = film.at(film.images[other], pixels[both][None])[0]
    return (here.median(dim=0).values / there.median(dim=0).values.clamp(min=1)).clamp(*LIGHT)
