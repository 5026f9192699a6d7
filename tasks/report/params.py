"""Parameters of the stage `report`: the section `report` of params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.params import Params


class ReportParams(Params):
    """What goes onto the page, and how the overlay video is drawn and encoded."""

    film: bool
    """Whether to make film.mp4 and film.js, over which the page draws; without them it has no player."""
    overlay: bool
    """Whether to make overlay.mp4 too: the film with boxes, names, trails and skeletons burnt in, to be passed on."""
    trail: int = Field(ge=0)
    """Length of the trail behind each track's centre, in frames; 0 draws none."""
    crf: int = Field(ge=0, le=51)
    """x264's constant rate factor of both films: 0 is lossless, 18 looks so, 23 is x264's default, more is smaller."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
    """x264's trade of speed against size."""
    key_frames: int = Field(ge=0)
    """Pictures in the strip of key frames, evenly spaced in time."""
    motion_pictures: int = Field(ge=0)
    """Frames shown in flow colours, evenly spaced in time; 0 leaves the curve of speed alone."""
    feature_pictures: int = Field(ge=0)
    """Frames shown in the colours of their features, evenly spaced in time; 0 leaves the section out."""
    matched_pairs: int = Field(ge=0)
    """Pairs of frames shown with their semantic correspondences, those with most motion; 0 leaves the section out."""
    portraits: int = Field(ge=0)
    """Most pictures in the gallery of tracks; those present longest come first."""
    timeline_rows: int = Field(ge=0)
    """Most tracks drawn in the timeline; those present longest are kept."""
    table_rows: int = Field(ge=0)
    """Most tracks listed in the table; those present longest are kept."""
