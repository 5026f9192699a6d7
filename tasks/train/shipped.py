"""The model that ships with semflow: motions of rendered figures, fitted by `python -m flows.training.fit_temporal`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tasks.artifacts.action_model import ActionModel, TemporalStream

FILE = Path(__file__).parent / "figures.npz"


@cache
def shipped_model() -> ActionModel:
    """As it lies beside this file."""
    return ActionModel.load(FILE)


def shipped_temporal() -> TemporalStream:
    """Its motion stream: what teams' heads and trainings start from."""
    temporal = shipped_model().temporal
    assert temporal is not None
    return temporal
