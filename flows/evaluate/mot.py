"""Multi-object tracking on MOTChallenge's sequences: `semflow eval mot --data DIR`.

Every folder at any depth below DIR with `gt/gt.txt` and `det/det.txt` is a sequence; its detections go through what
the stage `track` does where there are no pictures, with the section `track` of params.yaml, and TrackEval judges the
result: HOTA, DetA, AssA (Luiten et al., 2021), MOTA, IDF1 in per cent, IDSW as a count. MOT16, MOT17 and MOT20 get
their preprocessing, by the folder's name; everything else goes by MOT15's rules. `combined` is TrackEval's pooled row. MOTA
is TrackEval's; SORT's authors quote the older one of the challenge, which differs by some tenths.
`fps` is frames through the stage per second, tracking alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from flows.evaluate.changes import add_set, with_changes
from flows.evaluate.motchallenge import Sequence, Verdict, find_sequences, judge, pool, summary
from flows.evaluate.scores import Scores
from tasks.params import Params
from tasks.track.identify import identify
from tasks.track.presets import PRESETS
from tasks.track.stage import TrackParams


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options beyond `--data` and `--json`."""
    parser.add_argument("--preset", choices=sorted(PRESETS), help="a published tracker instead of track in params.yaml")
    add_set(parser, "track", "max_gap=30 fill=false")


def evaluate(arguments: argparse.Namespace, params: Mapping[str, Params]) -> Scores:
    """TrackEval's figures per sequence and pooled."""
    tracking = params["track"]
    assert isinstance(tracking, TrackParams)
    settings = with_changes(tracking.model_copy(update=dict(PRESETS.get(arguments.preset or "", {}))), arguments.set)
    verdicts: dict[str, Verdict] = {}
    seconds: dict[str, float] = {}
    sequences = find_sequences(arguments.data)
    identify(sequences[0].detections(), settings)  # first calls load SciPy: no part of the speed
    for sequence in sequences:
        verdicts[sequence.name], seconds[sequence.name] = run(sequence, settings)
    frames = {sequence.name: sequence.frame_count for sequence in sequences}
    items = {name: summary(verdicts[name]) | {"fps": frames[name] / seconds[name]} for name in verdicts}
    combined = summary(pool(verdicts.values())) | {"fps": sum(frames.values()) / sum(seconds.values())}
    return Scores("mot", items, combined)


def run(sequence: Sequence, params: TrackParams) -> tuple[Verdict, float]:
    """TrackEval's verdict on one sequence, and the seconds that tracking took."""
    detections = sequence.detections()
    start = time.perf_counter()
    tracks = identify(detections, params)
    seconds = time.perf_counter() - start
    return judge(sequence, tracks), seconds
