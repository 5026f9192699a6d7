"""Forward and backward optical flow between two neighbouring frames, with masks of where each is valid."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.arrays import FlowField, Mask


@dataclass(frozen=True, eq=False)
class FramePairMotion:
    """Optical flow between two neighbouring frames in both directions."""

    forward: FlowField
    """(h, w, 2) from the earlier frame to the later one, px."""
    backward: FlowField
    """(h, w, 2) from the later frame to the earlier one, px."""
    valid: Mask
    """(h, w) pixels of the earlier frame whose forward flow is valid (not occluded, inside the frame)."""
    valid_backward: Mask
    """(h, w) pixels of the later frame whose backward flow is valid."""

    @property
    def reversed(self) -> FramePairMotion:
        """The same pair with time reversed."""
        return FramePairMotion(self.backward, self.forward, self.valid_backward, self.valid)
