"""Both passes in a row: from detections, and what pictures tell beside them, to the table of tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.artifacts.detections import Detections
from tasks.artifacts.tracks import Tracks
from tasks.track.follow import follow
from tasks.track.link import link
from tasks.track.paths import render
from tasks.track.sight import BLIND, Sight
from tasks.track.trust import trust

if TYPE_CHECKING:
    from tasks.track.params import TrackParams


def identify(detections: Detections, params: TrackParams, sight: Sight = BLIND) -> Tracks:
    """What the stage `track` gives; without `sight`, what the detections alone tell."""
    tracklets, carried = follow(detections, params, sight)
    lasting = trust(detections, link(detections, tracklets, params, sight), params)
    return render(detections, lasting, params, sight.camera, carried)
