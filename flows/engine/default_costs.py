"""What a stage costs where this machine has no record of it: rough, by the sample clips on two cores.

Processor time by `python -m benchmarks.pipeline` (film of 640 x 360 pixels, one or two people), bytes by what the
three sample clips leave.
"""

from __future__ import annotations

from typing import NamedTuple

from flows.engine.outcome import Item
from tasks.decode.film_length import FilmLength

SECONDS_PER_SOURCE_PIXEL = 7e-9
"""Of `decode`, beside its seconds per frame: decoding and scaling of a pixel of the file, H.264."""


class StageCost(NamedTuple):
    """Processor time and bytes of one frame, and what each item takes beside them."""

    seconds_per_frame: float
    bytes_per_frame: int
    seconds_per_item: float = 0.0


COSTS = {
    "decode": StageCost(0.001, 75_000),
    "detect": StageCost(0.050, 310),
    "segment": StageCost(0.0, 12),
    "estimate_flow": StageCost(0.074, 35_500),
    "find_shots": StageCost(0.001, 1),
    "fit_axes": StageCost(0.0, 0, seconds_per_item=1.0),
    "extract_features": StageCost(0.032, 107_000),
    "match": StageCost(0.021, 10_000),
    "track": StageCost(0.003, 130),
    "estimate_pose": StageCost(0.037, 1_300),
    "train": StageCost(0.0, 0, seconds_per_item=1.0),
    "classify": StageCost(0.039, 53),
    "fit_field": StageCost(0.072, 1_700),
    "report": StageCost(0.006, 7_400, seconds_per_item=1.5),
}
"""Stage to its cost; `fit_axes` and `train` with their pretrained results, learning takes longer."""


def estimate_default_seconds(item: Item, frames: int, length: FilmLength | None) -> float | None:
    """Expected processor seconds of an item of `frames` frames; None where the stage or the length is unknown."""
    cost = COSTS.get(item.stage)
    if cost is None or not (frames or cost.bytes_per_frame == 0):
        return None
    pixels = length.pixels if length is not None and item.stage == "decode" else 0
    return cost.seconds_per_item + frames * (cost.seconds_per_frame + pixels * SECONDS_PER_SOURCE_PIXEL)


def estimate_default_bytes(item: Item, frames: int) -> float:
    """Expected bytes of an item's artifacts; 0 where the stage or the length is unknown."""
    cost = COSTS.get(item.stage)
    return 0.0 if cost is None else cost.bytes_per_frame * frames
