"""Full training: it learns, goes on after a kill with the same result, and leaves normalisations alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.streams.linear_head import predict_probabilities
from tasks.streams.temporal_stream import init_cross_modality
from tasks.train.fine_tune import (
    QUANTIZATION_STEPS,
    CheckpointLogger,
    FineTuneConfig,
    FineTuneModel,
    TrainingSet,
    augment_stacks,
    fine_tune,
    quantize_stacks,
)

LABELS = np.arange(16) % 2
SCHEDULE = FineTuneConfig(epochs=3, learning_rate=3e-3, batch=8, flip=True, seed=4)


def lesson() -> TrainingSet:
    """Up against sideways motion, in noise."""
    stacks = np.random.default_rng(0).normal(0, 0.1, (16, 20, 32, 32)).astype(np.float32)
    stacks[LABELS == 0, 0::2, 10:22, 10:22] += 0.6
    stacks[LABELS == 1, 1::2, 10:22, 10:22] += 0.6
    return TrainingSet(quantize_stacks(stacks.clip(-1, 1)), LABELS, np.zeros(2, int))


def features(trunk: torch.nn.Module, stacks: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return trunk.eval()(torch.from_numpy(stacks.astype(np.float32) / QUANTIZATION_STEPS)).numpy()


class Killed(Exception):
    pass


def test_a_killed_training_continues_and_ends_the_same(tmp_path: Path) -> None:
    told: list[int] = []

    def kill(epoch: int, loss: float) -> None:
        told.append(epoch)
        if epoch == 2 and len(told) == 2:
            raise Killed

    whole, whole_head = fine_tune(
        init_cross_modality(), lesson(), SCHEDULE, "cpu", CheckpointLogger(tmp_path / "a.pt", lambda *_: None)
    )
    logger = CheckpointLogger(tmp_path / "b.pt", kill)
    with pytest.raises(Killed):
        fine_tune(init_cross_modality(), lesson(), SCHEDULE, "cpu", logger)
    again, again_head = fine_tune(init_cross_modality(), lesson(), SCHEDULE, "cpu", logger)
    assert told == [1, 2, 3]
    np.testing.assert_array_equal(whole_head.weights, again_head.weights)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize("damaged", [b"", b"half", bytes(100)])
def test_a_state_that_is_not_as_it_was_kept_is_left_alone(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(damaged)
    told: list[int] = []
    fine_tune(
        init_cross_modality(),
        lesson(),
        SCHEDULE,
        "cpu",
        CheckpointLogger(tmp_path / "a.pt", lambda epoch, _: told.append(epoch)),
    )
    assert told == [1, 2, 3]


def test_it_learns_what_there_is(tmp_path: Path) -> None:
    losses: list[float] = []
    config = FineTuneConfig(epochs=8, learning_rate=3e-3, batch=4, flip=True, seed=4)
    logger = CheckpointLogger(tmp_path / "a.pt", lambda _, loss: losses.append(loss))
    trunk, head = fine_tune(init_cross_modality(), lesson(), config, "cpu", logger)
    found = predict_probabilities(head, features(trunk, lesson().stacks))
    assert (found.argmax(axis=1) == LABELS).mean() > 0.9
    assert losses[-1] < 0.7 * losses[0]


def test_labels_of_another_task_are_not_competitors(tmp_path: Path) -> None:
    """With two labels in two tasks there is nothing to tell apart, so nothing is wrong from the start."""
    losses: list[float] = []
    alone = TrainingSet(lesson().stacks, LABELS, np.array([0, 1]))
    config = FineTuneConfig(epochs=1, learning_rate=1e-3, batch=8, flip=False, seed=0)
    fine_tune(
        init_cross_modality(),
        alone,
        config,
        "cpu",
        CheckpointLogger(tmp_path / "a.pt", lambda _, loss: losses.append(loss)),
    )
    assert losses == [0.0]


def test_only_the_first_normalisation_takes_new_statistics() -> None:
    network = FineTuneModel(init_cross_modality(), 2)
    network.set_train_mode()
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms[0].training and not any(norm.training for norm in norms[1:])


def test_stored_stacks_are_off_by_half_a_step_at_most() -> None:
    stacks = np.random.default_rng(0).uniform(-1, 1, (2, 20, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(
        quantize_stacks(stacks).astype(float) / QUANTIZATION_STEPS, stacks, atol=0.5 / QUANTIZATION_STEPS + 1e-6
    )


def test_variations_are_shifts_and_gains_of_the_stack_or_its_mirror() -> None:
    """The strongest vector stays the strongest, its length within a quarter, its place within the shift."""
    stack = np.zeros((1, 20, 32, 32), np.int8)
    stack[0, 0, 16, 15], stack[0, 1, 16, 15] = 100, 50
    mirrored = 0
    for seed in range(40):
        found = augment_stacks(stack, np.random.default_rng(seed), flip=True)[0]
        y, x = np.unravel_index(np.abs(found[0]).argmax(), found[0].shape)
        mirrored += bool(found[0, y, x] < 0)
        assert abs(y - 16) <= 6 and abs(x - (16 if found[0, y, x] < 0 else 15)) <= 6
        assert 0.75 <= abs(found[0, y, x]) * QUANTIZATION_STEPS / 100 <= 1.25
        np.testing.assert_allclose(found[1, y, x], abs(found[0, y, x]) / 2, rtol=1e-5)
    assert 10 < mirrored < 30
    assert not any(
        (augment_stacks(stack, np.random.default_rng(seed), flip=False)[0, 0] < 0).any() for seed in range(20)
    )
