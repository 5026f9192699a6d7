"""Fine-tuning of the whole temporal network on flow stacks, with a checkpoint after every epoch.

After Wang et al., "Temporal Segment Networks" (ECCV 2016), section 3.2: partial batch normalisation (statistics of all
normalisations but the first stay as they are; unlike theirs, their gains are trained), dropout before the head,
mirrored and shifted stacks. Adam with decoupled weight decay (Loshchilov and Hutter, 2019) and a cosine learning
rate that falls to 0 replace their step schedule. On a CPU everything runs in one thread: results are deterministic.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.artifacts.action_model import LinearHead
from tasks.checksummed_file import read_checksummed, write_checksummed
from tasks.runtime import make_torch_pool
from tasks.streams.flow_stack import mirror_stacks
from tasks.streams.mobilenet_v2 import MobileNetTrunk

DROPOUT = 0.5
WEIGHT_DECAY = 1e-3
MAX_SHIFT_PX = 6  # in either direction, of 96
MAX_GAIN_CHANGE = 0.25  # of all vectors: the same action a quarter faster or slower
QUANTIZATION_STEPS = 127  # of quantized stacks: 1 is 127

QuantizedStacks = NDArray[np.int8]
"""(n, 20, side, side) in steps of 1 / 127 of the bound: .16 px."""
EpochCallback = Callable[[int, float], None]
"""Called after each epoch with its number, from 1, and its mean loss."""


@dataclass(frozen=True)
class FineTuneConfig:
    """Hyperparameters of a fine-tuning."""

    epochs: int
    learning_rate: float
    """At the start; it falls to 0 along a cosine."""
    batch: int
    """Stacks per optimiser step."""
    flip: bool
    """Whether stacks are mirrored at random; not where labels differ in left and right."""
    seed: int


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Stacks and their labels."""

    stacks: QuantizedStacks
    labels: NDArray[np.int_]
    """(n,) label of each stack."""
    tasks: NDArray[np.int_]
    """(labels,) the task of each label: the softmax of a stack runs over the labels of its task alone."""

    @property
    def label_count(self) -> int:
        """Number of labels of all tasks together."""
        return len(self.tasks)


@dataclass(frozen=True)
class CheckpointLogger:
    """Checkpoint file and progress callback of a training."""

    checkpoint: Path
    """State after the last finished epoch; where it exists, training resumes from it."""
    on_epoch: EpochCallback


class FineTuneModel(nn.Module):
    """A trunk with dropout and a linear head, for training."""

    def __init__(self, trunk: MobileNetTrunk, labels: int) -> None:
        super().__init__()
        self.trunk, self.drop, self.head = trunk, nn.Dropout(DROPOUT), nn.Linear(trunk.width, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.trunk(x)))

    def set_train_mode(self) -> None:
        """Training mode with partial batch normalisation."""
        self.train()
        norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms[1:]:
            norm.eval()


def quantize_stacks(stacks: NDArray[np.float32]) -> QuantizedStacks:
    """Stacks as int8, a quarter of their size as float32."""
    return np.rint(stacks * QUANTIZATION_STEPS).astype(np.int8)


def fine_tune(
    trunk: MobileNetTrunk, training_set: TrainingSet, config: FineTuneConfig, device: str, logger: CheckpointLogger
) -> tuple[MobileNetTrunk, LinearHead]:
    """The trunk and a head, trained on `training_set`; a checkpoint is written after every epoch."""
    torch.manual_seed(config.seed)
    network = FineTuneModel(trunk, training_set.label_count).to(torch.device(device))

    def run_training() -> None:
        _train(network, training_set, config, logger)

    if device == "cpu":
        with make_torch_pool() as pool:
            pool.submit(run_training).result()
    else:
        run_training()
    network = network.cpu().eval()
    weights, bias = (part.detach().numpy().astype(np.float32) for part in (network.head.weight.T, network.head.bias))
    return network.trunk, LinearHead("temporal", np.ascontiguousarray(weights), bias)


def _train(network: FineTuneModel, training_set: TrainingSet, config: FineTuneConfig, logger: CheckpointLogger) -> None:
    labels = training_set.labels
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
    per_label = np.bincount(labels, minlength=network.head.out_features)
    weights = torch.from_numpy(len(labels) / np.maximum(per_label, 1) / len(per_label)).float()
    weights = weights.to(network.head.weight.device)
    other_task = torch.from_numpy(training_set.tasks[:, None] != training_set.tasks).to(weights.device)
    steps = -(-len(labels) // config.batch)
    for epoch in range(_load_checkpoint(network, optimizer, logger.checkpoint), config.epochs):
        random = np.random.default_rng([config.seed, epoch])
        torch.manual_seed(int(random.integers(2**31)))
        network.set_train_mode()
        total = 0.0
        order = random.permutation(len(labels))
        for step, rows in enumerate(np.array_split(order, steps)):
            progress = (epoch + step / steps) / config.epochs
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            batch = torch.from_numpy(augment_stacks(training_set.stacks[np.sort(rows)], random, config.flip)).to(
                weights.device
            )
            truth = torch.from_numpy(labels[np.sort(rows)]).to(weights.device)
            logits = network(batch.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.masked_fill(other_task[truth], -torch.inf), truth, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
        _save_checkpoint(network, optimizer, epoch + 1, logger.checkpoint)
        logger.on_epoch(epoch + 1, total / len(labels))


def augment_stacks(stacks: QuantizedStacks, random: np.random.Generator, flip: bool) -> NDArray[np.float32]:
    """Float stacks with random augmentation: mirrored, shifted, all vectors scaled."""
    found = np.zeros(stacks.shape, np.float32)
    for out, stack in zip(found, stacks, strict=True):
        source = mirror_stacks(stack) if flip and random.random() < 0.5 else stack  # noqa: PLR2004  one half of the stacks
        dx, dy = random.integers(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1, 2)
        height, width = stack.shape[1:]
        to_y, to_x = slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0))
        from_y, from_x = slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0))
        out[:, to_y, to_x] = source[:, from_y, from_x] * np.float32(
            random.uniform(1 - MAX_GAIN_CHANGE, 1 + MAX_GAIN_CHANGE) / QUANTIZATION_STEPS
        )
    return found


def _save_checkpoint(network: FineTuneModel, optimizer: torch.optim.Optimizer, epochs: int, checkpoint: Path) -> None:
    """Write the checkpoint atomically: a kill leaves that of the epoch before."""
    file = io.BytesIO()
    torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epochs}, file)
    write_checksummed(checkpoint, file.getvalue())


def _load_checkpoint(network: FineTuneModel, optimizer: torch.optim.Optimizer, checkpoint: Path) -> int:
    """Restore the checkpoint and return its finished epochs; 0 where the file is missing or damaged."""
    data = read_checksummed(checkpoint)
    if data is None:
        return 0
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epochs"])
