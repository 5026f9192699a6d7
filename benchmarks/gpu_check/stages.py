"""The project's stages for a run of the check, with stand-ins for weights that are not there.

The engine imports them from here by SEMFLOW_PIPELINE.
"""

from __future__ import annotations

from benchmarks.gpu_check.stand_in_weights import use_stand_ins
from flows.pipeline import STAGES

__all__ = ["STAGES"]
use_stand_ins()
