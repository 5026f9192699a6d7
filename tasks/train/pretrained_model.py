"""The pretrained action model that ships with semflow: motions of rendered figures.

`python -m flows.training.pretrain_temporal_stream` trains it anew.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tasks.artifacts.action_model import ActionModel, TemporalStream

PRETRAINED_FILE = Path(__file__).parent / "figures.npz"


@cache
def load_pretrained_model() -> ActionModel:
    """The model in figures.npz beside this file."""
    return ActionModel.load(PRETRAINED_FILE)


def load_pretrained_temporal() -> TemporalStream:
    """Its temporal stream: the features of teams' heads and the start of fine-tuning."""
    temporal = load_pretrained_model().temporal
    assert temporal is not None
    return temporal
