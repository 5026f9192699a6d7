"""A quasi-3D volume: planes in ordinal depth, each with a velocity field and a density over space and time.

Tian et al. (2024) hold a flow field and a density field of scene coordinates. Without camera poses there is no such
scene: as in Wang et al., "Tracking Everything Everywhere All at Once" (ICCV 2023), depth is an order, rays run along
it, and the camera is what takes coordinates of the reference to pixels of a frame. Depth is discrete here, a plane per
place in the order (Zhou et al., "Stereo Magnification", SIGGRAPH 2018), for a point keeps its place while it moves.

- Coordinates: x, y in pixels of the reference; `to_frame[t, k]` takes plane k's to pixels of frame t.
- Velocity: reference pixels per frame, on a grid of nodes at the middle of each step, so that the second-order
  Runge-Kutta step (midpoint rule) reads the velocity where it is stored. It is what dense flow says (start.py), plus
  what a small network makes of a code at each node.
- Density: the opacity of each plane's nodes in each frame, a logit. The weight of plane k along a ray is its opacity
  times what the planes before it let through: these are the opacity priors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tasks.fit_field.volume.start import Start

NODE_PX = 2.0  # between nodes of the grids
COARSE = 2  # nodes between those that carry a code for the velocity
CODE, HIDDEN = 8, 32  # of the network
LEAST, MOST = 0.01, 0.99  # opacity of the start


@dataclass(frozen=True)
class Box:
    """The part of the reference that some frame shows, in its pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def nodes(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return round((self.bottom - self.top) / NODE_PX) + 1, round((self.right - self.left) / NODE_PX) + 1


class Volume(nn.Module):
    """The fields; all points are (planes, n, 2), a row of points for each plane."""

    to_frame: Tensor
    from_frame: Tensor
    flow: Tensor
    low: Tensor
    span: Tensor

    def __init__(self, box: Box, to_frame: Tensor, flow: Tensor, opacity: Tensor, seed: int = 0) -> None:
        """`to_frame` (t, k, 3, 3); `flow` (t - 1, k, 2, rows, columns); `opacity` (t, k, rows, columns)."""
        super().__init__()
        self.box = box
        self.register_buffer("to_frame", to_frame)
        self.register_buffer("from_frame", torch.linalg.inv(to_frame.double()).float())
        self.register_buffer("flow", flow)
        self.register_buffer("low", torch.tensor([box.left, box.top]))
        self.register_buffer("span", torch.tensor([box.right - box.left, box.bottom - box.top]))
        self.density = nn.Parameter(torch.logit(opacity.clamp(LEAST, MOST)))
        steps, planes, _, rows, columns = flow.shape
        random = torch.Generator().manual_seed(seed)
        shape = steps, planes, CODE, -(-rows // COARSE), -(-columns // COARSE)
        self.code = nn.Parameter(0.01 * torch.randn(shape, generator=random))
        self.network = _network(random)

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.density.shape[0]

    @property
    def planes(self) -> int:
        """How many planes, the backdrop's among them."""
        return self.density.shape[1]

    def velocity(self, step: int) -> Tensor:
        """(k, 2, rows, columns) of the nodes, from frame `step` to the next."""
        code = self.code[step].permute(0, 2, 3, 1)
        change = self.network(code).permute(0, 3, 1, 2)
        change = functional.interpolate(change, self.flow.shape[-2:], mode="bilinear", align_corners=True)
        return self.flow[step] + change

    def moved(self, points: Tensor, velocity: Tensor, way: int) -> Tensor:
        """Points one frame on (`way` 1) or back (-1), in a step's (k, 2, rows, columns) velocity: midpoint rule."""
        half = points + 0.5 * way * self.at(velocity, points)
        return points + way * self.at(velocity, half)

    def carried(self, points: Tensor, start: int, end: int) -> Tensor:
        """Points of frame `start` as they are in frame `end`, step by step along the velocity."""
        way = 1 if end > start else -1
        for frame in range(start, end, way):
            points = self.moved(points, self.velocity(min(frame, frame + way)), way)
        return points

    def at(self, nodes: Tensor, points: Tensor) -> Tensor:
        """(k, n, c) bilinear values of (k, c, rows, columns) nodes at the points; beyond the box the nearest."""
        place = 2 * (points - self.low) / self.span - 1
        values = functional.grid_sample(nodes, place[:, None], align_corners=True, padding_mode="border")
        return values[:, :, 0].transpose(1, 2)

    def opacity(self, frame: int, points: Tensor) -> Tensor:
        """(k, n) of the points."""
        nodes = torch.sigmoid(self.density[frame])
        return self.at(nodes[:, None], points)[..., 0]

    def onto(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n, 2) points on each plane that the (k or 1, n, 2) pixels of a frame show."""
        return _mapped(self.from_frame[frame], pixels)

    def pixels(self, frame: int, points: Tensor) -> Tensor:
        """(k, n, 2) pixels of a frame on which points lie."""
        return _mapped(self.to_frame[frame], points)

    def weights(self, frame: int, pixels: Tensor, hide: Tensor | None = None) -> Tensor:
        """(k, n) how much of each plane is seen at (n, 2) pixels; they sum to 1.

        `hide` (k, n) is the share of opacity that is taken away first; then the sum is what is left.
        """
        rays = self._rays(frame, pixels[None])
        return composed(rays if hide is None else rays * (1 - hide))

    def seen(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) how much of plane k's point is seen at its own pixel, of (k, n, 2)."""
        planes, count, _ = pixels.shape
        rays = self._rays(frame, pixels.reshape(1, -1, 2)).reshape(planes, planes, count)
        weights = composed(rays)
        index = torch.arange(planes, device=pixels.device)
        return weights[index, index]

    def _rays(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) opacity of all planes along the rays through (1, n, 2) pixels; the backdrop lets nothing through."""
        opacity = self.opacity(frame, self.onto(frame, pixels))
        return torch.cat([torch.ones_like(opacity[:1]), opacity[1:]])

    @classmethod
    def of(cls, start: Start, to_frame: NDArray[np.float64], device: str, seed: int = 0) -> Self:
        """The volume of a start, with (t, k, 3, 3) homographies from the reference to each frame's pixels."""
        height, width = start.opacity.shape[2:4]
        ways = torch.from_numpy(to_frame).float().to(device)
        box = _box(to_frame, height, width)
        rows, columns = box.nodes()
        y, x = np.mgrid[:rows, :columns]
        x = box.left + x * (box.right - box.left) / max(1, columns - 1)
        y = box.top + y * (box.bottom - box.top) / max(1, rows - 1)
        nodes = torch.from_numpy(np.stack([x, y], axis=-1).reshape(1, -1, 2)).float().to(device)
        seen = [torch.from_numpy(frame)[:, None].to(device) for frame in start.opacity]
        opacity = torch.stack([
            sampled(image, _mapped(way, nodes), outside=True) for image, way in zip(seen, ways, strict=True)
        ])[..., 0].reshape(len(seen), start.planes, rows, columns)  # fmt: skip
        flow = [_velocity(torch.from_numpy(start.motion[t]).to(device), ways[t], ways[t + 1], nodes)
                for t in range(len(start.motion))]  # fmt: skip
        flows = torch.stack(flow) if flow else torch.zeros((0, start.planes, rows * columns, 2), device=device)
        flows = flows.transpose(2, 3).reshape(len(flow), start.planes, 2, rows, columns)
        opacity[:, 0] = 1
        return cls(box, ways, flows.contiguous(), opacity, seed).to(device)


def composed(opacity: Tensor) -> Tensor:
    """(k, ...) weights along rays from (k, ...) opacity, the nearest plane last; they sum to 1 if the first is 1."""
    clear = torch.flip(torch.cumprod(torch.flip(1 - opacity, [0]), 0), [0])  # what planes k and nearer let through
    return opacity * torch.cat([clear[1:], torch.ones_like(clear[:1])])


def _mapped(ways: Tensor, points: Tensor) -> Tensor:
    """(k, n, 2) points under (k, 3, 3) homographies."""
    moved = points @ ways[:, :2, :2].transpose(1, 2) + ways[:, None, :2, 2]
    scale = points @ ways[:, 2, :2, None] + ways[:, 2, 2, None, None]
    return moved / scale


def sampled(images: Tensor, pixels: Tensor, *, outside: bool = False) -> Tensor:
    """(k, n, c) bilinear values of (k, c, h, w) images at (k, n, 2) pixels; beyond the border 0, or the nearest."""
    height, width = images.shape[-2:]
    size = torch.tensor([max(1, width - 1), max(1, height - 1)], device=images.device)
    place = 2 * pixels / size - 1
    mode = "zeros" if outside else "border"
    values = functional.grid_sample(images, place[:, None], align_corners=True, padding_mode=mode)
    return values[:, :, 0].transpose(1, 2)


def _velocity(motion: Tensor, here: Tensor, there: Tensor, nodes: Tensor) -> Tensor:
    """(k, n, 2) reference pixels per frame at nodes, half-way between the frames, of (k, h, w, 2) motion in pixels."""
    images = motion.permute(0, 3, 1, 2)
    velocity = torch.zeros((len(motion), nodes.shape[1], 2), device=nodes.device)
    back = torch.linalg.inv(there.double()).float()
    for _ in range(3):  # what is half-way at a node set out half a step before it
        begun = nodes - 0.5 * velocity
        pixels = _mapped(here, begun)
        velocity = _mapped(back, pixels + sampled(images, pixels)) - begun
    return velocity


def _box(to_frame: NDArray[np.float64], height: int, width: int) -> Box:
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]], np.float64)
    seen = corners @ np.linalg.inv(to_frame).swapaxes(-1, -2)
    at = (seen[..., :2] / seen[..., 2:]).reshape(-1, 2)
    # A camera that turns away leaves the box behind; what lies a frame's size beyond the reference is not kept.
    low = np.maximum(at.min(axis=0), (-width, -height))
    high = np.minimum(at.max(axis=0), (2 * width, 2 * height))
    return Box(float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _network(random: torch.Generator) -> nn.Sequential:
    """Code to change of velocity; none at first."""
    first, last = nn.Linear(CODE, HIDDEN), nn.Linear(HIDDEN, 2)
    with torch.no_grad():
        first.weight.copy_(torch.randn(first.weight.shape, generator=random) / CODE**0.5)
        first.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
    return nn.Sequential(first, nn.SiLU(), last)
