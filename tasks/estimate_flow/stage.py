"""Dense optical flow between neighbouring frames, forward and backward.

Each pair gets both flows, the pixels where they are consistent (Sundaram et al., 2010), the photometric error after
warping as a quality measure, and the camera motion as a homography. At a scene cut, or where a frame is damaged or
lost, the flow is zero and nowhere valid.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasks.artifacts.artifact import StreamingArtifact
from tasks.artifacts.dense_flow import DenseFlow
from tasks.artifacts.flow_encoding import FlowEncoding
from tasks.artifacts.flow_pair import FlowMetadata, FlowPair
from tasks.artifacts.frames import Frames
from tasks.estimate_flow.params import EstimateFlowParams
from tasks.params import Compute
from tasks.stage import stage


@stage(
    libraries=("numpy", "opencv-python", "pyarrow", "torch"),
    weights=lambda params: (params.network,) if params.network else (),
    accelerator=True,
    kernels=("torch", "cuda"),
    kernels_for=lambda params: ("torch", "cuda") if params.network else (),
)
def estimate_flow(frames: Frames, params: EstimateFlowParams, compute: Compute) -> StreamingArtifact[DenseFlow]:
    """Flow of every two neighbouring frames; a video of one frame or none has no pairs."""
    encoding = FlowEncoding(frames.height, frames.width, params.stored_grid, params.stored_steps_per_px)

    def pairs() -> Iterator[FlowPair]:
        from tasks.device import resolve_device
        from tasks.estimate_flow.flow_backend import open_flow_backend
        from tasks.estimate_flow.frame_runs import estimate_flow_pairs

        device = resolve_device(compute.device) if params.network else "cpu"
        yield from estimate_flow_pairs(frames, open_flow_backend(params, device, compute.batch), encoding)

    facts = FlowMetadata(len(frames), params.backend, encoding, frames.video)
    return DenseFlow.stream(pairs(), facts, frames.pts_s)
