"""Parameters of the stage `estimate_flow`: the section `estimate_flow` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.params import Params


class EstimateFlowParams(Params):
    """Parameters of flow estimation, and the resolution of stored flow."""

    backend: Literal["dis", "farneback", "raft-small", "raft"]
    """dis (fast, good), farneback (for comparison), raft-small or raft (networks; raft the best, for a GPU)."""
    dis_preset: Literal["ultrafast", "fast", "medium", "fine"]
    """dis only: from a tenth of medium's time to 2.5 times; fine works at full size: best with stored_grid 1."""
    raft_weights: Literal["raft-sintel", "raft-things"]
    """raft only: trained for film-like scenes (sintel, the more accurate) or on FlyingThings alone."""
    raft_iterations: int = Field(ge=1, le=64)
    """raft and raft-small: updates of the flow; the authors train with 12 and evaluate with up to 32."""
    stored_grid: Literal[1, 2]
    """Pixels per stored vector along each axis; 2 costs nothing with dis medium and faster, which end at half size."""
    stored_steps_per_px: Literal[8, 16, 32, 64]
    """Steps in which a pixel of motion is stored: 16 move a vector by 0.018 px on average, 32 by 0.008 px."""

    @property
    def network(self) -> str | None:
        """Name of the weights of the selected network; None without a network."""
        return {"raft-small": "raft-small", "raft": self.raft_weights}.get(self.backend)
