"""Training of the whole motion network on stacks, an epoch at a time, so that a killed training goes on.

After Wang et al., "Temporal Segment Networks" (ECCV 2016), section 3.2: partial batch normalisation (statistics of all
normalisations but the first stay as they are; unlike theirs, their gains go on learning), dropout before the head,
mirrored and shifted stacks. Adam with decoupled weight decay (Loshchilov and Hutter, 2019) and a cosine that ends at
nothing take the place of their steps. On a CPU everything runs in one thread: the same inputs give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from tasks.streams.flip import mirror_stacks
from tasks.streams.mobilenet_v2 import MobileNetTrunk

DROPOUT = 0.5
WEIGHT_DECAY = 1e-3
MAX_SHIFT_PX = 6  # either way, of 96
MAX_GAIN_CHANGE = 0.25  # of all vectors: the same action a quarter faster or slower
QUANTIZATION_STEPS = 127  # of stored stacks: 1 is 127

QuantizedStacks = NDArray[np.int8]
"""(n, 20, side, side) in steps of 1 / 127 of the bound: .16 px."""
EpochCallback = Callable[[int, float], None]
"""Told the number of each epoch done, from 1, and its mean loss."""


@dataclass(frozen=True)
class FineTuneConfig:
    """How long and how boldly."""

    epochs: int
    learning_rate: float
    """At the start; it falls to nothing along a cosine."""
    batch: int
    """Stacks per step."""
    flip: bool
    """Whether stacks are mirrored at random; not where a label is about left and right."""
    seed: int


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What there is to learn."""

    stacks: QuantizedStacks
    labels: NDArray[np.int_]
    """(n,) label of each stack."""
    tasks: NDArray[np.int_]
    """(labels,) the task that each label belongs to: a stack is only asked to tell it from others of its task."""

    @property
    def count(self) -> int:
        """Labels of all tasks together."""
        return len(self.tasks)


@dataclass(frozen=True)
class CheckpointLogger:
    """Where a training keeps what is done, and whom it tells."""

    checkpoint: Path
    """State after the last epoch that was finished; where it is there, training goes on from it."""
    tick: EpochCallback


class FineTuneModel(nn.Module):
    """A trunk with dropout and a head, in training."""

    def __init__(self, trunk: MobileNetTrunk, labels: int) -> None:
        super().__init__()
        self.trunk, self.drop, self.head = trunk, nn.Dropout(DROPOUT), nn.Linear(trunk.width, labels)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.trunk(x)))

    def practise(self) -> None:
        """Training mode with partial batch normalisation."""
        self.train()
        norms = [module for module in self.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms[1:]:
            norm.eval()


def quantize_stacks(stacks: NDArray[np.float32]) -> QuantizedStacks:
    """Stacks in one byte per number, a quarter of what they take while being computed."""
    return np.rint(stacks * QUANTIZATION_STEPS).astype(np.int8)


def fine_tune(
    trunk: MobileNetTrunk, lesson: TrainingSet, schedule: FineTuneConfig, device: str, diary: CheckpointLogger
) -> tuple[MobileNetTrunk, LinearHead]:
    """The trunk and a head, trained on `lesson`; what is done after every epoch lies in the diary."""
    torch.manual_seed(schedule.seed)
    student = FineTuneModel(trunk, lesson.count).to(torch.device(device))

    def work() -> None:
        _train(student, lesson, schedule, diary)

    if device == "cpu":
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            pool.submit(work).result()
    else:
        work()
    student = student.cpu().eval()
    weights, bias = (part.detach().numpy().astype(np.float32) for part in (student.head.weight.T, student.head.bias))
    return student.trunk, LinearHead("temporal", np.ascontiguousarray(weights), bias)


def _train(student: FineTuneModel, lesson: TrainingSet, schedule: FineTuneConfig, diary: CheckpointLogger) -> None:
    labels = lesson.labels
    optimizer = torch.optim.AdamW(student.parameters(), lr=schedule.learning_rate, weight_decay=WEIGHT_DECAY)
    per_label = np.bincount(labels, minlength=student.head.out_features)
    weights = torch.from_numpy(len(labels) / np.maximum(per_label, 1) / len(per_label)).float()
    weights = weights.to(student.head.weight.device)
    other_task = torch.from_numpy(lesson.tasks[:, None] != lesson.tasks).to(weights.device)
    steps = -(-len(labels) // schedule.batch)
    for epoch in range(_load_checkpoint(student, optimizer, diary.checkpoint), schedule.epochs):
        random = np.random.default_rng([schedule.seed, epoch])
        torch.manual_seed(int(random.integers(2**31)))
        student.practise()
        total = 0.0
        order = random.permutation(len(labels))
        for step, rows in enumerate(np.array_split(order, steps)):
            progress = (epoch + step / steps) / schedule.epochs
            for group in optimizer.param_groups:
                group["lr"] = schedule.learning_rate * (1 + math.cos(math.pi * progress)) / 2
            seen = torch.from_numpy(augment_stacks(lesson.stacks[np.sort(rows)], random, schedule.flip)).to(
                weights.device
            )
            truth = torch.from_numpy(labels[np.sort(rows)]).to(weights.device)
            scores = student(seen.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.masked_fill(other_task[truth], -torch.inf), truth, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(rows)
        _save_checkpoint(student, optimizer, epoch + 1, diary.checkpoint)
        diary.tick(epoch + 1, total / len(labels))


def augment_stacks(stacks: QuantizedStacks, random: np.random.Generator, flip: bool) -> NDArray[np.float32]:
    """The stacks as floats, each mirrored or not, shifted a little, all its vectors longer or shorter."""
    found = np.zeros(stacks.shape, np.float32)
    for out, stack in zip(found, stacks, strict=True):
        turned = mirror_stacks(stack) if flip and random.random() < 0.5 else stack
        dx, dy = random.integers(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1, 2)
        height, width = stack.shape[1:]
        to_y, to_x = slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0))
        from_y, from_x = slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0))
        out[:, to_y, to_x] = turned[:, from_y, from_x] * np.float32(
            random.uniform(1 - MAX_GAIN_CHANGE, 1 + MAX_GAIN_CHANGE) / QUANTIZATION_STEPS
        )
    return found


def _save_checkpoint(student: FineTuneModel, optimizer: torch.optim.Optimizer, epochs: int, checkpoint: Path) -> None:
    """A kill leaves the epoch before."""
    file = io.BytesIO()
    torch.save({"student": student.state_dict(), "optimizer": optimizer.state_dict(), "epochs": epochs}, file)
    write_checksummed(checkpoint, file.getvalue())


def _load_checkpoint(student: FineTuneModel, optimizer: torch.optim.Optimizer, checkpoint: Path) -> int:
    """Epochs already done, their state restored; 0 where the file is not as it was written."""
    data = read_checksummed(checkpoint)
    if data is None:
        return 0
    state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    student.load_state_dict(state["student"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epochs"])
