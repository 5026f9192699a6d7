"""What each part of the tracker is worth: `python -m flows.evaluate.mot_ablation --data DIR`, or `--synthetic`.

Prints, pooled over all sequences below DIR: the setting of params.yaml; the same without each part, and with each part
it leaves out; every preset; and leave-one-out: for each sequence the setting of NEIGHBOURS that is best on the other
sequences, judged on that one alone, all pooled. If choosing a setting were fitting it to the data, the last line would
fall well below the best neighbour.
With --synthetic, instead, the parts that look at pictures, on scenes that have them (mot_scenes.py): pooled over the
seeds for each kind of scene. Drawing the scenes takes minutes, and looks of crops, without an accelerator, many more.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from flows.engine.project import Project, find_root
from flows.evaluate.mot import run
from flows.evaluate.mot_scenes import KINDS, Filmed, film
from flows.evaluate.motchallenge import Sequence, Verdict, find_sequences, judge, pool, summary
from tasks.params import Compute
from tasks.track.identify import identify
from tasks.track.params import TrackParams
from tasks.track.presets import PRESETS, UNSEEING
from tasks.track.sight import open_sight

PARTS: Mapping[str, Mapping[str, Any]] = {
    "without linking": {"link_gap": 0},
    "without smoothing": {"smoothing": 0.0},
    "without filling": {"fill": False},
    "without min_confidence": {"min_confidence": 0.0},
    "without the second step": {"low_score": "high_score"},
    "without the second pass": {"link_gap": 0, "smoothing": 0.0, "fill": False, "min_confidence": 0.0},
    "with max_gap 30": {"max_gap": 30},
    "with max_gap 30, unlinked": {"max_gap": 30, "link_gap": 0},
    "with momentum .2": {"momentum": 0.2},
    "with recovery": {"recovery": True},
    "with score-aware noise": {"score_noise": True},
    "with fused scores": {"fuse_score": True, "min_iou": 0.2},
}
"""What to change; a value that is a field's name stands for that field's value."""

SIGHTED: Mapping[str, Mapping[str, Any]] = {
    "detections alone": UNSEEING,
    "with the camera": {**UNSEEING, "camera": True},
    "with the camera and carried boxes": {**UNSEEING, "camera": True, "carry": True},
    "with the camera and looks, closest": {
        **UNSEEING,
        "camera": True,
        "appearance": "closest",
        "appearance_distance": 0.1,
        "appearance_iou": 0.3,
    },
    "with the camera and looks, first": {
        **UNSEEING,
        "camera": True,
        "appearance": "first",
        "appearance_distance": 0.1,
        "appearance_iou": 0.0,
    },
    "with the camera and looks over gaps": {**UNSEEING, "camera": True, "link_appearance": 0.1},
    "with the camera and looks of crops, closest": {
        **UNSEEING,
        "camera": True,
        "appearance": "closest",
        "appearance_from": "crops",
        "appearance_distance": 0.15,
        "appearance_iou": 0.3,
    },
    "with the camera and looks of crops over gaps": {
        **UNSEEING,
        "camera": True,
        "appearance_from": "crops",
        "link_appearance": 0.15,
    },
}
"""What pictures can add, against the setting of params.yaml."""
SEEDS = range(6)
COMPUTE = Compute(device="auto", workers=1, batch=16, item_timeout_s=0, worker_memory_gb=0, store_raw=True)

NEIGHBOURS: Mapping[str, tuple[Any, ...]] = {
    "high_score": (0.2, 0.3, 0.4),
    "max_gap": (10, 30),
    "link_distance": (0.3, 0.4, 0.5),
    "min_confidence": (0.25, 0.35, 0.45),
}
"""Settings that leave-one-out chooses among: all combinations."""

Verdicts = Mapping[str, Verdict]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder with the sequences")
    what.add_argument("--synthetic", action="store_true", help="scenes with pictures")
    arguments = parser.parse_args()
    default = Project.open(find_root(Path.cwd())).params.section(TrackParams)
    if arguments.synthetic:
        with tempfile.TemporaryDirectory() as folder:
            show_sighted(default, [film(seed, kind, Path(folder)) for kind in KINDS for seed in SEEDS])
    else:
        show_parts(default, find_sequences(arguments.data))


def show_sighted(default: TrackParams, filmed: list[Filmed]) -> None:
    """A block for each kind of scene, a line for each setting."""
    ways = {"params.yaml": {}, **SIGHTED, **{f"preset {name}": changes for name, changes in PRESETS.items()}}
    for kind in KINDS:
        print(f"{kind}, HOTA of each seed, then pooled")  # noqa: T201
        for name, changes in ways.items():
            show(name, {f.sequence.name: seen(f, changed(default, changes)) for f in filmed if f.kind == kind})


def seen(filmed: Filmed, params: TrackParams) -> Verdict:
    """TrackEval's verdict on one scene, pictures and all."""
    sight = open_sight(filmed.detections, filmed.dense_flow, filmed.features, filmed.frames, params, COMPUTE)
    return judge(filmed.sequence, identify(filmed.detections, params, sight))


def show_parts(default: TrackParams, sequences: list[Sequence]) -> None:
    """A line for each part, preset and choice."""
    show("params.yaml", judged(sequences, default))
    for name, changes in PARTS.items():
        show(name, judged(sequences, changed(default, changes)))
    for name, changes in PRESETS.items():
        show(f"preset {name}", judged(sequences, changed(default, changes)))
    settings = [dict(zip(NEIGHBOURS, values, strict=True)) for values in product(*NEIGHBOURS.values())]
    tried = [judged(sequences, changed(default, setting)) for setting in settings]
    ranked = sorted(range(len(tried)), key=lambda i: hota(tried[i]))
    show(f"worst neighbour {settings[ranked[0]]}", tried[ranked[0]])
    show(f"best neighbour {settings[ranked[-1]]}", tried[ranked[-1]])
    show("leave-one-out", leave_one_out(tried))


def changed(params: TrackParams, changes: Mapping[str, Any]) -> TrackParams:
    """`params` with `changes`, checked."""
    given = params.model_dump()
    values = {key: given.get(value, value) if isinstance(value, str) else value for key, value in changes.items()}
    return TrackParams.model_validate(given | values)


def judged(sequences: list[Sequence], params: TrackParams) -> Verdicts:
    """TrackEval's verdict on every sequence."""
    return {sequence.name: run(sequence, params)[0] for sequence in sequences}


def leave_one_out(tried: list[Verdicts]) -> Verdicts:
    """For every sequence the verdict of the setting that has the highest HOTA pooled over the others."""

    def without(verdicts: Verdicts, name: str) -> Verdicts:
        return {other: verdict for other, verdict in verdicts.items() if other != name}

    return {name: max(tried, key=lambda verdicts: hota(without(verdicts, name)))[name] for name in tried[0]}


def hota(verdicts: Verdicts) -> float:
    """Pooled over sequences."""
    return summary(pool(verdicts.values()))["HOTA"]


def show(name: str, verdicts: Verdicts) -> None:
    """One line: HOTA of each sequence, then everything pooled."""
    each = " ".join(f"{summary(verdict)['HOTA']:5.1f}" for verdict in verdicts.values())
    print(  # noqa: T201
        f"{each}  pooled", *(f"{k} {v:.1f}" for k, v in summary(pool(verdicts.values())).items()), f" {name}"
    )


if __name__ == "__main__":
    main()
