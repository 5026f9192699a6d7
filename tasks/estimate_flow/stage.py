"""Dense optical flow between neighbouring frames, there and back.

Every pair gets its forward and backward flow, the pixels where the two agree (Sundaram et al., 2010), the photometric
error after warping as its figure of quality, and the camera's motion as a homography. Where the scene is cut, or a
frame is damaged or lost, the flow is zero and nowhere valid rather than wild.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from tasks.artifacts.artifact import Streamed
from tasks.artifacts.dense_flow import DenseFlow, FlowFacts, FlowPair
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.frames import Frames
from tasks.params import Compute, Params
from tasks.stage import stage


class EstimateFlowParams(Params):
    """How flow is estimated, and how finely it is stored."""

    backend: Literal["dis", "farneback", "raft-small", "raft"]
    """dis (fast, good), farneback (for comparison), raft-small or raft (networks; raft is the best, for a GPU)."""
    dis_preset: Literal["ultrafast", "fast", "medium", "fine"]
    """dis alone: from a tenth of medium's time to 2.5 times; fine works at full size: best with stored_grid 1."""
    raft_weights: Literal["raft-sintel", "raft-things"]
    """raft alone: trained for film-like scenes (sintel, the better) or on synthetic things alone."""
    raft_iterations: int = Field(ge=1, le=64)
    """raft and raft-small: updates of the flow; the authors train with 12 and evaluate with up to 32."""
    stored_grid: Literal[1, 2]
    """Pixels per stored vector along each axis; 2 costs nothing with dis medium and faster, which end at half size."""
    stored_steps_per_px: Literal[8, 16, 32, 64]
    """Steps in which a pixel of motion is stored: 32 rounds by 0.012 px on average."""

    @property
    def network(self) -> str | None:
        """Name of the weights that these parameters ask for, if any."""
        return {"raft-small": "raft-small", "raft": self.raft_weights}.get(self.backend)


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "torch"),
    weights=lambda params: (params.network,) if params.network else (),
    kernels=("torch", "cuda"),
    kernels_for=lambda params: ("torch", "cuda") if params.network else (),
)
def estimate_flow(frames: Frames, params: EstimateFlowParams, compute: Compute) -> Streamed[DenseFlow]:
    """Flow of every two neighbouring frames; a video of one frame or none has no pairs."""
    encoding = FlowEncoding(frames.height, frames.width, params.stored_grid, params.stored_steps_per_px)

    def pairs() -> Iterator[FlowPair]:
        from tasks.device import resolve_device
        from tasks.estimate_flow.backend import open_backend
        from tasks.estimate_flow.runs import flow_pairs

        device = resolve_device(compute.device) if params.network else "cpu"
        yield from flow_pairs(frames, open_backend(params, device, compute.batch), encoding)

    return DenseFlow.stream(pairs(), FlowFacts(len(frames), params.backend, encoding))
