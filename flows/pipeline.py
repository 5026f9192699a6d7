"""The table of contents: every stage, in the order in which they can run. Adding a stage is one line here."""

from __future__ import annotations

from typing import Any

from tasks.classify.stage import classify
from tasks.decode.stage import decode
from tasks.detect.stage import detect
from tasks.estimate_flow.stage import estimate_flow
from tasks.estimate_pose.stage import estimate_pose
from tasks.extract_features.fit_axes import fit_axes
from tasks.extract_features.stage import extract_features
from tasks.find_shots.stage import find_shots
from tasks.fit_field.stage import fit_field
from tasks.match.stage import match
from tasks.report.stage import report
from tasks.segment.stage import segment
from tasks.stage import Stage
from tasks.track.stage import track
from tasks.train.stage import train

STAGES: tuple[Stage[..., Any], ...] = (
    decode,
    detect,
    segment,
    estimate_flow,
    find_shots,
    fit_axes,
    extract_features,
    match,
    track,
    estimate_pose,
    train,
    classify,
    fit_field,
    report,
)
