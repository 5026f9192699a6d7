"""Grad-CAM: saliency of the places of a network's last feature map for a label.

Selvaraju et al., "Grad-CAM", ICCV 2017, https://arxiv.org/abs/1610.02391, equations 1 and 2, in as many dimensions as
the map has: (h, w) for pictures and stacks of flow, (t, h, w) for clips.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def grad_cam(maps: Tensor, head: Callable[[Tensor], Tensor], labels: Tensor) -> Tensor:
    """(n, k, ...) saliency maps, at least 0, of each of the (n, k) `labels` on (n, d, ...) feature `maps`.

    `head` is the rest of the network, from `maps` to (n, labels) logits.
    """
    with torch.enable_grad():
        leaf = maps.clone().requires_grad_()  # a clone, as maps may come from inference mode
        scores = head(leaf).gather(1, labels)
        return torch.stack([_weight_activations(leaf, scores[:, n].sum()) for n in range(labels.shape[1])], dim=1)


def _weight_activations(maps: Tensor, score: Tensor) -> Tensor:
    slope = torch.autograd.grad(score, maps, retain_graph=True)[0]
    importance = slope.mean(dim=tuple(range(2, maps.ndim)), keepdim=True)  # equation 1
    return torch.relu((importance * maps).sum(dim=1)).detach()  # equation 2
