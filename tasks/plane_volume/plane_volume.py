"""A layered scene representation for monocular video: planes in ordinal depth, each with a velocity and a density.

Tian et al. (2024) use a flow field and a density field of scene coordinates. Without camera poses there are no scene
coordinates; as in the quasi-3D volume of Wang et al., "Tracking Everything Everywhere All at Once" (ICCV 2023), depth
is an order, rays run along it, and the camera maps reference coordinates to pixels of a frame. Depth is discrete, one
plane per place in the order (Zhou et al., "Stereo Magnification", SIGGRAPH 2018): a point stays in its plane.

- Coordinates: x, y in pixels of the reference; `to_frame[t, k]` maps plane k's to pixels of frame t.
- Velocity: reference pixels per frame, on a grid of nodes at the middle of each step, where the second-order
  Runge-Kutta step (midpoint rule) reads it. It is the initial velocity (initialisation.py) plus the output of a
  small network for a latent code at each node.
- Density: the opacity of each plane's nodes in each frame, as a logit. The weight of plane k along a ray is its opacity
  times the transmittance of the planes in front of it (alpha compositing): these are the opacity priors.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tasks.plane_volume.bounds import ReferenceBounds
from tasks.plane_volume.volume_sampling import apply_homographies, sample_grid

CODE_STRIDE = 2  # nodes between those that carry a latent code
CODE_SIZE, HIDDEN_SIZE = 8, 32  # of the velocity network
MIN_OPACITY, MAX_OPACITY = 0.01, 0.99  # of the initialisation


class PlaneVolume(nn.Module):
    """The fields; all points are (planes, n, 2), one row of points for each plane."""

    to_frame: Tensor
    from_frame: Tensor
    flow: Tensor
    low: Tensor
    span: Tensor

    def __init__(self, bounds: ReferenceBounds, to_frame: Tensor, flow: Tensor, opacity: Tensor, seed: int = 0) -> None:
        """`to_frame` (t, k, 3, 3); `flow` (t - 1, k, 2, rows, columns); `opacity` (t, k, rows, columns)."""
        super().__init__()
        self.bounds = bounds
        self.register_buffer("to_frame", to_frame)
        self.register_buffer("from_frame", torch.linalg.inv(to_frame.double()).float())
        self.register_buffer("flow", flow)
        self.register_buffer("low", torch.tensor([bounds.left, bounds.top]))
        self.register_buffer("span", torch.tensor([bounds.right - bounds.left, bounds.bottom - bounds.top]))
        self.density = nn.Parameter(torch.logit(opacity.clamp(MIN_OPACITY, MAX_OPACITY)))
        steps, planes, _, rows, columns = flow.shape
        random = torch.Generator().manual_seed(seed)
        shape = steps, planes, CODE_SIZE, -(-rows // CODE_STRIDE), -(-columns // CODE_STRIDE)
        self.code = nn.Parameter(0.01 * torch.randn(shape, generator=random))
        self.network = _make_network(random)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.density.shape[0]

    @property
    def planes(self) -> int:
        """Number of planes, including the background's."""
        return self.density.shape[1]

    def compute_velocity(self, step: int) -> Tensor:
        """(k, 2, rows, columns) velocity at the nodes, from frame `step` to the next."""
        if not self._has_correction:
            return self.flow[step]
        code = self.code[step].permute(0, 2, 3, 1)
        change = self.network(code).permute(0, 3, 1, 2)
        change = functional.interpolate(change, self.flow.shape[-2:], mode="bilinear", align_corners=True)
        return self.flow[step] + change

    @property
    def _has_correction(self) -> bool:
        """Whether the network adds to the initial velocity, or is to learn it; its output is zero at first."""
        last = [*self.network.parameters()][-2:]
        return any(values.requires_grad or bool(values.abs().max() > 0) for values in last)

    def advect_step(self, points: Tensor, velocity: Tensor, direction: int) -> Tensor:
        """Points one frame on (`direction` 1) or back (-1) in a (k, 2, rows, columns) velocity: midpoint rule."""
        half = points + 0.5 * direction * self.interpolate_nodes(velocity, points)
        return points + direction * self.interpolate_nodes(velocity, half)

    def advect_points(self, points: Tensor, start: int, end: int) -> Tensor:
        """Points of frame `start` as they are in frame `end`, step by step along the velocity."""
        direction = 1 if end > start else -1
        for frame in range(start, end, direction):
            velocity = self.compute_velocity(min(frame, frame + direction))
            points = self.advect_step(points, velocity, direction)
        return points

    def interpolate_nodes(self, nodes: Tensor, points: Tensor) -> Tensor:
        """(k, n, c) bilinear values of (k, c, rows, columns) nodes at the points; beyond the bounds the nearest."""
        return sample_grid(nodes, 2 * (points - self.low) / self.span - 1)

    def sample_opacity(self, frame: int, points: Tensor) -> Tensor:
        """(k, n) opacity at the points."""
        nodes = torch.sigmoid(self.density[frame])
        return self.interpolate_nodes(nodes[:, None], points)[..., 0]

    def unproject_pixels(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n, 2) points on each plane under the (k or 1, n, 2) pixels of a frame."""
        return apply_homographies(self.from_frame[frame], pixels)

    def project_points(self, frame: int, points: Tensor) -> Tensor:
        """(k, n, 2) pixels of a frame under which points lie."""
        return apply_homographies(self.to_frame[frame], points)

    def compute_ray_weights(self, frame: int, pixels: Tensor, remove: Tensor | None = None) -> Tensor:
        """(k, n) weight of each plane along the rays through (n, 2) pixels; they sum to 1.

        `remove` (k, n) is the share of opacity that is taken away first; then they sum to what is left.
        """
        opacity = self._ray_opacity(frame, pixels[None])
        return composite_alpha(opacity if remove is None else opacity * (1 - remove))

    def compute_visibility(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) ray weight of plane k's point at its own pixel, of (k, n, 2)."""
        planes, count, _ = pixels.shape
        opacity = self._ray_opacity(frame, pixels.reshape(1, -1, 2)).reshape(planes, planes, count)
        weights = composite_alpha(opacity)
        index = torch.arange(planes, device=pixels.device)
        return weights[index, index]

    def _ray_opacity(self, frame: int, pixels: Tensor) -> Tensor:
        """(k, n) opacity of all planes along the rays through (1, n, 2) pixels; the background is opaque."""
        opacity = self.sample_opacity(frame, self.unproject_pixels(frame, pixels))
        return torch.cat([torch.ones_like(opacity[:1]), opacity[1:]])


def composite_alpha(opacity: Tensor) -> Tensor:
    """(k, ...) weights along rays from (k, ...) opacity, the nearest plane last; they sum to 1 if the first is 1."""
    clear = torch.flip(torch.cumprod(torch.flip(1 - opacity, [0]), 0), [0])  # transmittance of planes k and nearer
    return opacity * torch.cat([clear[1:], torch.ones_like(clear[:1])])


def _make_network(random: torch.Generator) -> nn.Sequential:
    """Latent code to change of velocity; zero at first."""
    first, last = nn.Linear(CODE_SIZE, HIDDEN_SIZE), nn.Linear(HIDDEN_SIZE, 2)
    with torch.no_grad():
        first.weight.copy_(torch.randn(first.weight.shape, generator=random) / CODE_SIZE**0.5)
        first.bias.zero_()
        last.weight.zero_()
        last.bias.zero_()
    return nn.Sequential(first, nn.SiLU(), last)
