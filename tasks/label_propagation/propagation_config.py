"""Switches and weights of label propagation, the same for every video.

Chosen on ten DAVIS sequences, leaving each out in turn. docs/decisions/0015-label-propagation-that-generalises.md has
the figures and what was rejected, among others a classifier per video and full-resolution maps fed back into the
semantic evidence: errors accumulated.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PropagationConfig:
    """Constants, and switches for ablations (flows/evaluate), which `dataclasses.replace(DEFAULT_CONFIG, ...)` makes.

    A user sets two of them, in the section fit_field of params.yaml: `fit_weights` by `evidence_weights`, and
    `temporal_smoothing` by `consistency`; the stage passes their values in.
    """

    semantic: bool = True
    """Evidence from feature similarity (nearest neighbours in memory frames)."""
    classifier: bool = True
    """Evidence from the kernel classifier of features and position; needs two labelled frames for validation."""
    previous: bool = True
    """Evidence from the previous frame, warped by its flow."""
    chained: bool = True
    """Evidence from labelled frames, warped by the chained flow of all frames between."""
    direct: bool = True
    """Evidence from labelled frames by long-range flow that skips the frames between, where available."""
    volume: bool = True
    """Evidence from labelled frames through the plane volume, across occlusions, where available."""
    single_match: bool = False
    """Only the previous frame's flow and one best match in one frame: the paper's tokens of a neighbour frame."""
    density: bool = True
    """Opacity prior: an occluded point gives no evidence; without it occluded points vote too."""
    fit_weights: bool = True
    """Weights of the kinds of evidence fitted by cross-validation on the labelled frames (the paper's attention)."""
    temporal_smoothing: bool = True
    """Votes smoothed along the flow, over time."""
    spatial_smoothing: bool = True
    """Votes smoothed within a frame, between pixels of similar motion."""
    smoothing_rounds: int = 2
    """Alternations of spatial and temporal smoothing; one with a single labelled frame."""
    check_appearance: bool = True
    """Confidence in flow lowered where colours at both ends differ."""
    match_radius: int = 12
    """Cells to each side in which semantic matches are searched (Jabri et al., 2020)."""
    match_count: int = 5
    """Semantic matches per cell, over all memory frames together."""
    labelled_bias: float = 1.0
    """Added to the logarithm of the weight of matches in labelled frames: those in the latest frames may be wrong."""
    shift_objects: bool = True
    """Whether the nearest labelled frame is matched a second time, moved to where its objects are now."""
    temperature: float = 0.1
    """Of the softmax of cosines, in units of the video's cosine spread (1 less the mean cosine of any two cells)."""
    memory_frames: int = 5
    """Latest frames in the memory bank (Jabri et al., 2020: 5 with the first)."""
    chained_frames: int = 2
    """Labelled frames to which chained flow is followed in each direction: farther ones have little confidence left."""
    labelled_frames: int = 3
    """Labelled frames nearest in time in the memory bank."""
    classifier_weight: float = 1.0
    """Weight of the kernel classifier; the semantic evidence has 1."""
    previous_weight: float = 2.0
    """Weight of the warped previous frame, times the confidence of its flow."""
    chained_weight: float = 2.0
    """Weight of a labelled frame by chained flow, times its confidence and the feature similarity."""
    direct_weight: float = 1.0
    """The same for long-range flow."""
    volume_weight: float = 2.0
    """The same for the plane volume, where the point is visible in both frames."""


DEFAULT_CONFIG = PropagationConfig()
