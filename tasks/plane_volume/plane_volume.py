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

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.plane_volume.bounds import ReferenceBounds
from tasks.plane_volume.volume_sampling import apply_homographies

COARSE = 2  # nodes between those that carry a code for the velocity
CODE, HIDDEN = 8, 32  # of the network
LEAST, MOST = 0.01, 0.99  # opacity of the start


class PlaneVolume(nn.Module):
    """The fields; all points are (planes, n, 2), a row of points for each plane."""

    to_frame: Tensor
    from_frame: Tensor
    flow: Tensor
    low: Tensor
    span: Tensor

    def __init__(self, box: ReferenceBounds, to_frame: Tensor, flow: Tensor, opacity: Tensor, seed: int = 0) -> None:
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
        return apply_homographies(self.from_frame[frame], pixels)

    def pixels(self, frame: int, points: Tensor) -> Tensor:
        """(k, n, 2) pixels of a frame on which points lie."""
        return apply_homographies(self.to_frame[frame], points)

    def weights(self, frame: int, pixels: Tensor, hide: Tensor | None = None) -> Tensor:
        """(k, n) how much of each plane is seen at (n, 2) pixels; they sum to 1.

        `hide` (k, n) is the share of opacity that is taken away first; then the sum is what is left.
        """
        rays = self._rays(frame, pixels[None])
        return composite_alpha(rays if hide is None else rays * (1 - hide))

    def seen(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) how much of plane k's point is seen at its own pixel, of (k, n, 2)."""
        planes, count, _ = pixels.shape
        rays = self._rays(frame, pixels.reshape(1, -1, 2)).reshape(planes, planes, count)
        weights = composite_alpha(rays)
        index = torch.arange(planes, device=pixels.device)
        return weights[index, index]

    def _rays(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) opacity of all planes along the rays through (1, n, 2) pixels; the backdrop lets nothing through."""
        opacity = self.opacity(frame, self.onto(frame, pixels))
        return torch.cat([torch.ones_like(opacity[:1]), opacity[1:]])


def composite_alpha(opacity: Tensor) -> Tensor:
    """(k, ...) weights along rays from (k, ...) opacity, the nearest plane last; they sum to 1 if the first is 1."""
    clear = torch.flip(torch.cumprod(torch.flip(1 - opacity, [0]), 0), [0])  # what planes k and nearer let through
    return opacity * torch.cat([clear[1:], torch.ones_like(clear[:1])])


def _network(random: torch.Generator) -> nn.Sequential:
    """Code to change of velocity; none at first."""
    first, last = nn.Linear(CODE, HIDDEN), nn.Linear(HIDDEN, 2)
    with torch.no_grad():
        first.weight.copy_(torch.randn(first.weight.shape, generator=random) / CODE**0.5)
        first.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
    return nn.Sequential(first, nn.SiLU(), last)
