"""Ablation study of the tracker: `python -m flows.evaluate.mot_ablation --data DIR`, or `--synthetic`.

Prints, pooled over all sequences below DIR: the setting of params.yaml; the same without each part, and with each part
that it leaves out (track_ablations.py, as `semflow eval mot --ablations` does); every preset; and leave-one-out
cross-validation: for each sequence the setting of NEIGHBOURS that is best on the other sequences, scored on that one,
all pooled. If choosing a setting overfitted the data, the last line would be well below the best neighbour.
With --synthetic it ablates the visual cues instead, on rendered scenes (mot_scenes.py), pooled over the seeds for each
kind of camera motion. Rendering takes minutes, and embeddings of crops, without an accelerator, many more.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

from flows.engine.project import Project, find_root
from flows.evaluate.mot import run_sequence
from flows.evaluate.mot_scenes import CAMERA_KINDS, SceneSequence, make_scene_sequence
from flows.evaluate.motchallenge import (
    MotSequence,
    TrackEvalResult,
    evaluate_tracks,
    find_sequences,
    pool_results,
    summarise_metrics,
)
from flows.evaluate.track_ablations import FROM_DETECTIONS, replace_params
from tasks.params import Compute
from tasks.track.params import TrackParams
from tasks.track.run_tracker import track_detections
from tasks.track.tracker_presets import PRESETS, WITHOUT_VISUAL_CUES
from tasks.track.visual_cues import make_visual_cues

VISUAL_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "detections alone": WITHOUT_VISUAL_CUES,
    "with the camera": {**WITHOUT_VISUAL_CUES, "camera_compensation": True},
    "with the camera and propagated boxes": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "flow_prediction": True,
    },
    "with the camera and appearance, closest": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "appearance": "closest",
        "appearance_max_distance": 0.1,
        "appearance_min_iou": 0.3,
    },
    "with the camera and appearance, first": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "appearance": "first",
        "appearance_max_distance": 0.1,
        "appearance_min_iou": 0.0,
    },
    "with the camera and appearance over gaps": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "link_max_appearance_distance": 0.1,
    },
    "with the camera and crop appearance, closest": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "appearance": "closest",
        "appearance_source": "crops",
        "appearance_max_distance": 0.15,
        "appearance_min_iou": 0.3,
    },
    "with the camera and crop appearance over gaps": {
        **WITHOUT_VISUAL_CUES,
        "camera_compensation": True,
        "appearance_source": "crops",
        "link_max_appearance_distance": 0.15,
    },
}
"""Visual cues, as changes of the setting of params.yaml."""
SEEDS = range(6)
COMPUTE = Compute(
    device="auto", workers=1, batch=16, item_timeout_s=0, worker_memory_gb=0, store_raw=True, recompute=()
)

NEIGHBOURS: Mapping[str, tuple[Any, ...]] = {
    "high_score": (0.2, 0.3, 0.4),
    "max_gap_s": (0.33, 1.0),
    "link_max_distance": (0.3, 0.4, 0.5),
    "min_confidence": (0.25, 0.35, 0.45),
}
"""Settings that leave-one-out chooses among: all combinations."""

ResultsBySequence = Mapping[str, TrackEvalResult]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder with the sequences")
    what.add_argument("--synthetic", action="store_true", help="rendered scenes, for the visual cues")
    arguments = parser.parse_args()
    default = Project.open(find_root(Path.cwd())).params.get_section(TrackParams)
    if arguments.synthetic:
        with tempfile.TemporaryDirectory() as folder:
            print_scene_tables(
                default, [make_scene_sequence(seed, kind, Path(folder)) for kind in CAMERA_KINDS for seed in SEEDS]
            )
    else:
        print_component_table(default, find_sequences(arguments.data))


def print_scene_tables(default: TrackParams, scenes: list[SceneSequence]) -> None:
    """Print a table for each kind of camera motion, with a row for each setting."""
    ways = {"params.yaml": {}, **VISUAL_SETTINGS, **{f"preset {name}": changes for name, changes in PRESETS.items()}}
    for kind in CAMERA_KINDS:
        print(f"{kind}, HOTA of each seed, then pooled")  # noqa: T201
        for name, changes in ways.items():
            print_row(
                name,
                {
                    f.sequence.name: evaluate_scene(f, replace_params(default, changes))
                    for f in scenes
                    if f.kind == kind
                },
            )


def evaluate_scene(scene: SceneSequence, params: TrackParams) -> TrackEvalResult:
    """TrackEval's result on one scene, with the visual cues."""
    sight = make_visual_cues(scene.detections, scene.dense_flow, scene.features, scene.frames, params, COMPUTE)
    return evaluate_tracks(scene.sequence, track_detections(scene.detections, scene.frames.pts_s, params, sight))


def print_component_table(default: TrackParams, sequences: list[MotSequence]) -> None:
    """Print a row for each component, preset, and neighbouring setting chosen."""
    print_row("params.yaml", evaluate_sequences(sequences, default))
    for name, changes in FROM_DETECTIONS.items():
        print_row(name, evaluate_sequences(sequences, replace_params(default, changes)))
    for name, changes in PRESETS.items():
        print_row(f"preset {name}", evaluate_sequences(sequences, replace_params(default, changes)))
    settings = [dict(zip(NEIGHBOURS, values, strict=True)) for values in product(*NEIGHBOURS.values())]
    tried = [evaluate_sequences(sequences, replace_params(default, setting)) for setting in settings]
    ranked = sorted(range(len(tried)), key=lambda i: pooled_hota(tried[i]))
    print_row(f"worst neighbour {settings[ranked[0]]}", tried[ranked[0]])
    print_row(f"best neighbour {settings[ranked[-1]]}", tried[ranked[-1]])
    print_row("leave-one-out", leave_one_out(tried))


def evaluate_sequences(sequences: list[MotSequence], params: TrackParams) -> ResultsBySequence:
    """TrackEval's result on every sequence."""
    return {sequence.name: run_sequence(sequence, params)[0] for sequence in sequences}


def leave_one_out(tried: list[ResultsBySequence]) -> ResultsBySequence:
    """For every sequence the result of the setting that has the highest HOTA pooled over the others."""

    def without(verdicts: ResultsBySequence, name: str) -> ResultsBySequence:
        return {other: verdict for other, verdict in verdicts.items() if other != name}

    return {name: max(tried, key=lambda verdicts: pooled_hota(without(verdicts, name)))[name] for name in tried[0]}


def pooled_hota(verdicts: ResultsBySequence) -> float:
    """HOTA in per cent, pooled over sequences."""
    return summarise_metrics(pool_results(verdicts.values()))["HOTA"]


def print_row(name: str, verdicts: ResultsBySequence) -> None:
    """Print one row: HOTA of each sequence, then all metrics pooled."""
    each = " ".join(f"{summarise_metrics(verdict)['HOTA']:5.1f}" for verdict in verdicts.values())
    print(  # noqa: T201
        f"{each}  pooled",
        *(f"{k} {v:.1f}" for k, v in summarise_metrics(pool_results(verdicts.values())).items()),
        f" {name}",
    )


if __name__ == "__main__":
    main()
