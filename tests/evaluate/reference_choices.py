"""The choices in which the presets sort, ocsort and deepsort differ from the packages that they are compared with.

`trackers` 2.6.1 for sort and ocsort (reference_trackers.py), `deep-sort-realtime` 1.3.2 for deepsort
(reference_deepsort.py). What each choice changes is in docs/decisions/0018-tracker-parts.md.
"""

from __future__ import annotations

from collections.abc import Mapping

SORT_CHOICES: Mapping[str, str] = {
    "filter": "noise in proportion to the box, where the package has constant noise of the corners",
    "assignment": "pairs below the gate take no part, where the package drops them afterwards",
    "tentative": "a track with fewer than three detections survives one frame without one",
    "lifetime": "SORT's own max_age, one frame, where the package has thirty",
    "threshold": "any detection may start a track, where the package wants a score of .25",
}
OCSORT_CHOICES: Mapping[str, str] = {
    "filter": "width and height with noise in proportion to them, where the package has area and aspect ratio",
    "assignment": "as for SORT, the bonus for direction not counting for the gate",
    "tentative": "a track with fewer than three detections survives one frame, where the package keeps it for thirty",
    "momentum": "directions start at the latest detection, and the first one counts",
    "re-update": "after a gap the filter goes on from its prediction instead of a path made up for the gap",
    "threshold": "detections count from .3 on, which suits the detector, where the package wants .6",
    "shown": "all detections after the first are given out, where the package wants three in a row again after a gap",
}
DEEPSORT_CHOICES: Mapping[str, str] = {
    "filter": "width instead of aspect ratio, with noise in proportion to it",
    "gallery": "a moving average of a track's embeddings, where the package compares with all it has had",
    "one assignment": "all tracks at once, appearance before overlap, where the package has a cascade by age, then "
    "overlap for tracks of the frame before alone, and appearance for confirmed tracks alone",
    "tentative": "a track with fewer than three detections survives one frame without one",
    "threshold": "detections count from .3 on, where the package has no threshold",
}
CHOICES = {"sort": SORT_CHOICES, "ocsort": OCSORT_CHOICES, "deepsort": DEEPSORT_CHOICES}
