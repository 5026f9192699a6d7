"""A thing taken out: its points have no density any more, and what the rays then meet is rendered.

Whether a point is part of the thing is asked where the point is seen in other frames: under the thing's mask there, or
not. Colours are gathered along the point's way as well, from the frames that see it beside the mask, nearer ones first,
and brought to the light of the frame in hand (image-based rendering along flow: Li et al., "DynIBaR", CVPR 2023). What
no frame sees is filled from its surroundings (Telea, 2004).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from tasks.artifacts.images import Image
from tasks.fit_field.clip import Mask
from tasks.fit_field.volume.losses import inside
from tasks.fit_field.volume.reader import Reader
from tasks.fit_field.volume.volume import sampled

EDGE_PX = 1  # beyond its mask a thing's soft outline still colours pixels
REACH = 24  # frames that are asked to each side
LEAST = 0.3  # frames that see a point: less is no evidence
KNOWN = 0.3  # share of a ray whose colour is known: with less it is filled in
INPAINT_PX = 3.0  # as in OpenCV's tutorial on inpainting
LIGHT = (0.5, 2.0)  # what light may do between two frames
LATTICE_PX = 5  # between the points by which light is compared


@dataclass(frozen=True, eq=False)
class Film:
    """Pictures of a window and the masks of what is to go, on the device of the volume."""

    images: Tensor
    """(t, 3, h, w) grey levels."""
    hidden: Tensor
    """(t, 1, h, w) 0 or 1: what it covers, with its soft edge."""


@dataclass(frozen=True, eq=False)
class _Gathered:
    """Of points (k, n): evidence from other frames."""

    own: Tensor
    """In how many they are seen under the mask."""
    free: Tensor
    """In how many they are seen beside it."""
    colour: Tensor
    """(k, n, 3) the colours there, nearer frames first; 0 where there are none."""


def removed(
    reader: Reader, images: Sequence[Image], masks: Sequence[Mask], frames: Sequence[int]
) -> Iterator[tuple[int, Image]]:
    """(frame, image without the thing) of the chosen frames of a window."""
    grown = [cv2.dilate(mask.astype(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8)) for mask in masks]
    device = reader.volume.low.device
    film = Film(
        torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float(),
        torch.from_numpy(np.stack(grown)).to(device)[:, None].float(),
    )
    for frame in frames:
        hole = grown[frame].astype(np.bool_)
        yield frame, _without(reader, film, images[frame], hole, frame) if hole.any() else images[frame]


def _without(reader: Reader, film: Film, image: Image, hole: Mask, frame: int) -> Image:
    pixel = torch.from_numpy(np.flatnonzero(hole)).to(film.images.device)
    found = _gathered(reader, film, frame, pixel)
    # A point that no frame sees beside the mask is not there: nothing speaks for it.
    gone = torch.where(found.free > LEAST, found.own / (found.own + found.free), 1.0)
    gone[0] = 0  # there is always a backdrop: what was seen on it under the mask was the thing
    share = reader.volume.weights(frame, reader.pixels(pixel), gone) * (found.free > LEAST)
    known = share.sum(dim=0)
    met = (share[..., None] * found.colour).sum(dim=0) / known.clamp(min=1e-6)[:, None]
    colour = met.round().clamp(0, 255).byte().cpu().numpy()
    result, left = image.copy().reshape(-1, 3), hole.copy().reshape(-1)
    sure = (known > KNOWN).cpu().numpy()
    index = pixel.cpu().numpy()[sure]
    result[index], left[index] = colour[sure], False
    result, left = result.reshape(image.shape), left.reshape(hole.shape)
    filled: Any = cv2.inpaint(result, left.astype(np.uint8), INPAINT_PX, cv2.INPAINT_TELEA) if left.any() else result
    return filled.astype(np.uint8)


def _gathered(reader: Reader, film: Film, frame: int, pixel: Tensor) -> _Gathered:
    """Evidence of all planes along the rays through some pixels of a frame, themselves under the mask."""
    volume = reader.volume
    begun = volume.onto(frame, reader.pixels(pixel)[None].expand(volume.planes, -1, -1))
    own = volume.weights(frame, reader.pixels(pixel))
    free, weight = torch.zeros_like(own), torch.zeros_like(own)
    colour = torch.zeros((*own.shape, 3), device=own.device)
    for way in (1, -1):
        at = begun
        for other in range(frame + way, frame + way * (REACH + 1), way):
            if not 0 <= other < len(reader) or not reader.joined(other, other - way):
                break
            at = volume.moved(at, reader.velocity(min(other, other - way)), way)
            pixels = volume.pixels(other, at)
            seen = volume.seen(other, pixels) * inside(pixels, reader.size)
            under = sampled(film.hidden[other][None].expand(volume.planes, -1, -1, -1), pixels)[..., 0]
            there = sampled(film.images[other][None].expand(volume.planes, -1, -1, -1), pixels)
            own = own + seen * under
            beside = seen * (under == 0)
            free = free + beside
            beside = beside / (other - frame) ** 2
            weight = weight + beside
            colour = colour + beside[..., None] * there * _light(reader, film, frame, other)
    return _Gathered(own, free, colour / weight.clamp(min=1e-9)[..., None])


def _light(reader: Reader, film: Film, frame: int, other: int) -> Tensor:
    """(3,) what colours of `other` are multiplied with to be those of `frame`: as points seen in both have it."""
    height, width = reader.size
    y, x = np.mgrid[LATTICE_PX // 2 : height : LATTICE_PX, LATTICE_PX // 2 : width : LATTICE_PX]
    pixel = torch.from_numpy((y * width + x).ravel()).to(film.images.device)
    pixel = pixel[film.hidden[frame].reshape(-1)[pixel] == 0]
    points = reader.volume.onto(frame, reader.pixels(pixel)[None])[:1]
    share = reader.volume.weights(frame, reader.pixels(pixel))[0]
    at = reader.moved(0, points[0], frame, other)
    pixels, seen = reader.landed(other, 0, at)
    both = (share > 0.5) & (seen > 0.5) & (sampled(film.hidden[other][None], pixels[None])[0, :, 0] == 0)
    if not both.any():
        return torch.ones(3, device=pixels.device)
    here = film.images[frame].reshape(3, -1).T[pixel[both]]
    there = sampled(film.images[other][None], pixels[both][None])[0]
    return (here.median(dim=0).values / there.median(dim=0).values.clamp(min=1)).clamp(*LIGHT)
