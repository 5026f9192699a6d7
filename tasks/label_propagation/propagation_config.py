"""How evidence is gathered and weighed: the field's few numbers, the same for every clip.

Chosen on five DAVIS sequences read forwards and backwards, and kept only where both directions agree. Neither a free
head per clip nor feeding full-resolution maps back into the semantic evidence survived: both let errors grow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PropagationConfig:
    """Switches and weights; `dataclasses.replace(DEFAULT, ...)` makes an ablation."""

    semantic: bool = True
    """Evidence by likeness of features."""
    named: bool = True
    """Evidence by a regression from looks and place to labels; only with two labelled frames, which can check it."""
    previous: bool = True
    """Evidence from the frame before, carried by its flow."""
    chained: bool = True
    """Evidence from labelled frames, along the flow of all frames between."""
    direct: bool = True
    """Evidence from labelled frames by a flow that skips those between, where the clip has one."""
    volume: bool = True
    """Evidence from labelled frames through the volume, behind what hid it between, where the clip has one."""
    single: bool = False
    """Only the neighbouring frame's flow and one best match: tokens of one frame around, as the paper has them."""
    density: bool = True
    """Opacity prior: what a nearer thing hides has no say; without it hidden points vote too."""
    attention: bool = True
    """Kinds of evidence re-weighed by how well they foretell each labelled frame from the others."""
    consistency: bool = True
    """Evidence passed on along the flow, from frame to frame."""
    coherence: bool = True
    """Evidence passed on within a frame, among what moves alike."""
    rounds: int = 2
    """Of passing on, within frames and then between them; one with a single labelled frame."""
    looks: bool = True
    """Steps between frames trusted only where both places look alike."""
    radius: int = 12
    """Cells to each side where semantic matches are looked for (Jabri et al., 2020)."""
    count: int = 10
    """Semantic matches per cell, over all context frames together."""
    temperature: float = 0.1
    """Of the softmax of cosines, in units of the clip's spread (1 less the mean cosine of any two cells)."""
    memory: int = 5
    """Frames seen last that serve as context (Jabri et al., 2020: 5 with the first)."""
    labelled: int = 4
    """Labelled frames nearest in time that serve as context."""
    named_weight: float = 1.0
    """Say of the regression."""
    previous_weight: float = 2.0
    """Say of the carried frame before, where flow is trusted; the semantic evidence has 1."""
    chained_weight: float = 2.0
    """Say of a labelled frame along the chain, where every step is trusted and the features agree."""
    direct_weight: float = 1.0
    """The same for the flow that skips."""
    volume_weight: float = 2.0
    """The same for the volume, where the point is seen in both frames."""


DEFAULT_CONFIG = PropagationConfig()
