"""The two-stream experiment: its sets are what they say, and the streams see what they should."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from pathlib import Path

import pytest

from flows.engine.project import PARAMS_FILE
from flows.evaluate import two_stream
from flows.evaluate.two_stream import evaluate, make_clip_jobs, make_label_sets
from flows.pipeline import STAGES
from flows.training.pretrain_temporal_stream import TRAIN_SEED
from tasks.params import Compute, read_params
from tasks.synthetic.figures.figure_motions import MOTIONS
from tasks.synthetic.figures.ordered_motions import TEMPI
from tasks.train.params import TrainParams


def test_no_clip_is_learned_from_and_measured_on() -> None:
    seeds = [
        job.seed
        for number, kinds in enumerate(make_label_sets().values())
        for some in make_clip_jobs(number, kinds, 3)
        for job in some
    ]
    assert len(seeds) == len(set(seeds)) == 3 * 2 * (4 + 5 + 9 + 3 + 2)
    assert not any(seed[0] == TRAIN_SEED for seed in seeds)  # nor was the pretrained network trained on any of them


def test_labels_differ_in_what_the_set_is_named_after_and_in_nothing_else() -> None:
    found = make_label_sets()
    assert len({kind.theme for kind in found["motion-only"]}) == 1
    assert not {kind.motions[0] for kind in found["motion-only"]} & set(MOTIONS)  # whose pictures would tell
    assert {kind.motions for kind in found["appearance-only"]} == {tuple(MOTIONS)}
    assert len({kind.theme for kind in found["appearance-only"]}) == 5
    assert not {motion for kind in found["senses"] for motion in kind.motions} & set(MOTIONS | TEMPI)
    for part in (lambda kind: kind.motions, lambda kind: kind.theme):
        assert set(Counter(map(part, found["mixed"])).values()) == {3}


@pytest.mark.slow
def test_each_stream_sees_its_own_and_both_together_see_most(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a few clips the bars are lower than with the suite's own number; the sets without a bar are left out."""
    sets = {name: make_label_sets()[name] for name in ("motion-only", "appearance-only", "mixed")}
    monkeypatch.setattr(two_stream, "make_label_sets", lambda: sets)
    stages = {stage.name: stage.params for stage in STAGES} | {"train": TrainParams, "compute": Compute}
    items = evaluate(Namespace(clips=4), read_params(checkout / PARAMS_FILE, stages)).items
    assert items["motion-only"]["temporal"] > items["motion-only"]["spatial"] + 0.3
    assert items["appearance-only"]["spatial"] > items["appearance-only"]["temporal"] + 0.3
    assert items["mixed"]["fused"] > max(items["mixed"]["spatial"], items["mixed"]["temporal"]) + 0.1
    assert items["motion-only"]["shuffled"] < items["motion-only"]["temporal"] - 0.2
