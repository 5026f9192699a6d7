"""How a coordinator works with agents."""

from __future__ import annotations

from dataclasses import dataclass

from flows.agents.claims import LEASE_S
from flows.agents.cut_batches import BatchSizes

GIVE_UP_S = 3600.0
"""Seconds for which batches cannot be launched (the server or the store does not answer), before the run ends."""


@dataclass(frozen=True)
class AgentRunSettings:
    """How a coordinator works with agents."""

    sizes: BatchSizes = BatchSizes()
    poll_s: float = 3.0
    """Seconds between two looks at the results."""
    lease_s: float = LEASE_S
    """Seconds without a heartbeat after which an agent counts as dead."""
    give_up_s: float = GIVE_UP_S
    start_timeout_s: float = 1800.0
    """Seconds after which a batch that no agent takes is given up."""
