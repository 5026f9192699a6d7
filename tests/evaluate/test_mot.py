"""The tracking suite: TrackEval reproduced, sequences found, bars held."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from flows.evaluate import mot
from flows.evaluate.mot_ablation import leave_one_out
from flows.evaluate.motchallenge import (
    evaluate_files,
    evaluate_tracks,
    find_sequences,
    rescale_scores,
    summarise_metrics,
)
from flows.evaluate.track_ablations import FROM_DETECTIONS
from tasks.artifacts.tracks import Tracks
from tasks.errors import BadInput, BadParams
from tasks.params import ParamSections
from tasks.track.params import TrackParams

SORT = {  # HOTA of the reference SORT: age 1 on MOT15, age 30 with scores from .5 on MOT17
    "TUD-Campus": 45.3,
    "ETH-Sunnyday": 54.5,
    "KITTI-17": 45.4,
    "ADL-Rundle-6": 34.3,
    "ETH-Bahnhof": 45.8,
    "TUD-Stadtmitte": 53.0,
    "MOT17-02-FRCNN": 33.9,
}
PLAIN = {
    "high_score": 0.0,
    "low_score": 0.0,
    "min_iou": 0.3,
    "min_iou_low": 0.5,
    "fuse_score": False,
    "filter_state": "size",
    "score_adaptive_noise": False,
    "momentum": 0.0,
    "observation_recovery": False,
    "life_cycle": "uniform",
    "n_init": 1,
    "duplicate_iou": 1.0,
    "max_gap_s": 2 / 30,
    "link_max_gap_s": 0,
    "link_max_distance": 0.3,
    "link_max_size_ratio": 1.3,
    "link_window_s": 30.0,
    "min_confidence": 0.0,
    "smoothing_s": 0.0,
    "interpolate": True,
    "camera_compensation": False,
    "appearance": "none",
    "appearance_source": "features",
    "appearance_max_distance": 0.2,
    "appearance_min_iou": 0.3,
    "appearance_memory": 0.9,
    "link_max_appearance_distance": 0.0,
    "flow_prediction": False,
}
BEST_PEER = {"HOTA": 40.7, "IDF1": 51.1}  # BoT-SORT of boxmot 25, pooled over the seven, motion only


def read_track_params(checkout: Path) -> TrackParams:
    """The section `track` of params.yaml, whatever other sections there are."""
    import yaml

    return TrackParams.model_validate(yaml.safe_load((checkout / "params.yaml").read_text())["track"])


def options(data: Path, *given: str) -> argparse.Namespace:
    return argparse.Namespace(**mot.command.make_context("mot", ["--data", str(data), *given]).params)


def write_sequence(folder: Path, truth: str, detections: str, info: str = "") -> None:
    for name, text in (("gt/gt.txt", truth), ("det/det.txt", detections), ("seqinfo.ini", info)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if text:
            (folder / name).write_text(text)


def walker(frames: range, classes: bool = False, identity: int = 1, speed: int = 3) -> str:
    tail = ",1,1.0" if classes else ",-1,-1,-1"
    return "".join(f"{f},{identity},{100 + speed * f},100,40,100,1{tail}\n" for f in frames)


def seen(frames: range) -> str:
    return "".join(f"{f},-1,{100 + 3 * f},100,40,100,{0.5 + 0.01 * (f % 9)}\n" for f in frames)


@pytest.mark.parametrize(
    ("name", "frames", "mota", "idf1"), [("TUD-Campus", 71, 0.5265, 0.5577), ("TUD-Stadtmitte", 179, 0.5640, 0.6446)]
)
def test_published_figures_of_a_fixed_tracker_are_reproduced(
    ground_truth: Path, name: str, frames: int, mota: float, idf1: float
) -> None:
    folder = ground_truth / "mot" / "tud_evaluator_check" / name
    result = summarise_metrics(evaluate_files(folder / "gt.txt", folder / "test.txt", "MOT15", frames))
    assert result["MOTA"] == pytest.approx(100 * mota, abs=0.005)
    assert result["IDF1"] == pytest.approx(100 * idf1, abs=0.005)


def test_one_setting_beats_the_reference_on_each_sequence_and_every_peer_over_all(
    ground_truth: Path, checkout: Path
) -> None:
    scores = mot.evaluate(options(ground_truth), ParamSections({"track": read_track_params(checkout)}))
    assert set(scores.items) == set(SORT)
    assert {name: item["HOTA"] for name, item in scores.items.items() if item["HOTA"] < SORT[name]} == {}
    assert {name: scores.combined[name] for name, bar in BEST_PEER.items() if scores.combined[name] <= bar} == {}
    assert all(item["fps"] > 0 for item in scores.items.values())


def test_sequences_are_found_at_any_depth_and_described_without_seqinfo(tmp_path: Path) -> None:
    write_sequence(tmp_path / "a" / "b" / "MOT17-99-X", walker(range(1, 5), classes=True), seen(range(1, 8)))
    write_sequence(tmp_path / "c", walker(range(1, 5)), "", "[Sequence]\nseqLength=9\nimWidth=64\nimHeight=48\n")
    write_sequence(tmp_path / "d", walker(range(1, 5)), seen(range(1, 3)), "[Sequence]\nseqLength=9\nimWidth=64\n")
    (tmp_path / "e" / "gt").mkdir(parents=True)
    first, second = find_sequences(tmp_path)
    assert (first.name, first.benchmark, first.frame_count, first.width) == ("MOT17-99-X", "MOT17", 7, 161)
    assert (second.name, second.benchmark, second.frame_count, second.width) == ("d", "MOT15", 9, 64)


def test_sequences_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for half in ("one", "two"):
        write_sequence(tmp_path / half / "S", walker(range(1, 5)), seen(range(1, 5)))
    assert [sequence.name for sequence in find_sequences(tmp_path)] == ["one/S", "two/S"]


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"must hold folders with gt/gt\.txt and det/det\.txt, got none"):
        find_sequences(tmp_path)


def test_too_few_columns_are_refused(tmp_path: Path) -> None:
    write_sequence(tmp_path, "1,1,2,3\n", seen(range(1, 3)))
    with pytest.raises(BadInput, match=r"gt\.txt must have at least 7 columns.*got 4"):
        find_sequences(tmp_path)


def test_detections_come_in_order_of_frames_and_scores(tmp_path: Path) -> None:
    write_sequence(tmp_path, walker(range(1, 4)), "3,-1,1,2,3,4,0.6\n1,-1,5,6,7,8,0.7\n3,-1,9,9,9,9,0.9\n")
    detections = find_sequences(tmp_path)[0].detections()
    assert detections.frame.tolist() == [0, 2, 2]
    assert detections.xyxy.tolist() == [[5, 6, 12, 14], [9, 9, 18, 18], [1, 2, 4, 6]]


def test_scores_are_moved_to_the_scale_of_our_own_detector() -> None:
    moved = rescale_scores(np.array([0.5, 0.9, 1.0]))
    assert moved[0] == pytest.approx(0.05)
    assert moved[1] == pytest.approx(
        9 / (9 + 19)
    )  # odds 9 : 1, and those of the lowest score fall from 1 : 1 to 1 : 19
    assert moved[2] == pytest.approx(1, abs=1e-5)
    for no_probabilities in ([-1.0, -1.0], [0.2, 61.0], [-0.3, 0.9], [1.0, 1.0]):
        assert rescale_scores(np.array(no_probabilities)).tolist() == [1, 1]
    assert len(rescale_scores(np.empty(0))) == 0


def test_mot17_has_its_preprocessing_and_everything_else_has_not(tmp_path: Path) -> None:
    """A distractor (class 8) that is tracked counts against nobody in MOT17; MOT15 knows no classes."""
    person = walker(range(1, 11), classes=True)
    distractor = "".join(f"{f},2,400,100,40,100,1,8,1\n" for f in range(1, 11))
    both = seen(range(1, 11)) + "".join(f"{f},-1,400,100,40,100,0.9\n" for f in range(1, 11))
    for name in ("MOT17-99", "other"):
        write_sequence(tmp_path / name, person + distractor, both)
    mot17, other = find_sequences(tmp_path)
    params = ParamSections({"track": TrackParams.model_validate(PLAIN)})
    items = mot.evaluate(options(tmp_path), params).items
    assert items[mot17.name]["MOTA"] == items[other.name]["MOTA"] == pytest.approx(100)
    none = Tracks.empty(frame_count=10, width=640, height=480)
    missed = [evaluate_tracks(sequence, none)["CLEAR"]["CLR_FN"] for sequence in (mot17, other)]
    assert missed == [10, 20]


def test_no_tracks_at_all_is_a_score_of_zero(tmp_path: Path) -> None:
    write_sequence(tmp_path / "S", walker(range(1, 5)), " ")
    scores = mot.evaluate(options(tmp_path), ParamSections({"track": TrackParams.model_validate(PLAIN)}))
    assert scores.items["S"]["HOTA"] == scores.combined["HOTA"] == 0


def test_combined_is_pooled_not_averaged(tmp_path: Path) -> None:
    write_sequence(tmp_path / "long", walker(range(1, 41)), seen(range(1, 41)))
    write_sequence(tmp_path / "short", walker(range(1, 11)), " ")
    scores = mot.evaluate(options(tmp_path), ParamSections({"track": TrackParams.model_validate(PLAIN)}))
    assert scores.items["long"]["MOTA"] == pytest.approx(100)
    assert scores.combined["MOTA"] == pytest.approx(80)


def test_values_can_be_changed_on_the_command_line(tmp_path: Path) -> None:
    write_sequence(tmp_path, walker(range(1, 31)), seen(range(1, 11)) + seen(range(16, 31)))
    params = ParamSections({"track": TrackParams.model_validate(PLAIN)})
    given = [mot.evaluate(options(tmp_path, "--set", f"max_gap_s={n / 30}"), params).combined["IDF1"] for n in (4, 5)]
    assert given[0] < given[1]
    assert mot.evaluate(options(tmp_path, "--preset", "sort"), params).combined["IDF1"] == given[0]
    for odd in ("max_gap_s", "nonsense=1", "max_gap_s=soon"):
        with pytest.raises(BadParams, match="--set"):
            mot.evaluate(options(tmp_path, "--set", odd), params)


def test_ablations_differ_from_the_run_by_one_part_each(tmp_path: Path) -> None:
    """A person is missed for five frames of a second and a half, and found twice in some."""
    write_sequence(tmp_path, walker(range(1, 46)), seen(range(1, 21)) + seen(range(26, 46)) + seen(range(31, 46)))
    params = ParamSections({"track": TrackParams.model_validate({**PLAIN, "duplicate_iou": 0.7, "interpolate": True})})
    given = options(tmp_path, "--ablations", "--set", "max_gap_s=0.5")
    scores = mot.evaluate(given, params)
    rows = {str(row["tracker"]): row for row in scores.tables["Ablations"]}
    assert rows.keys() == {"this run", *FROM_DETECTIONS}
    assert rows["this run"]["HOTA"] == scores.combined["HOTA"]
    worse = {name for name, row in rows.items() if float(row["HOTA"]) < scores.combined["HOTA"] - 1}
    parts = {name for name in FROM_DETECTIONS if name.startswith("without")}
    assert worse & parts == {"without removal of duplicates", "without interpolation", "without the second pass"}


def test_leave_one_out_never_judges_a_setting_by_the_sequence_it_was_chosen_on(tmp_path: Path) -> None:
    write_sequence(tmp_path, walker(range(1, 11)), seen(range(1, 11)))
    sequence = find_sequences(tmp_path)[0]
    good, _ = mot.run_sequence(sequence, TrackParams.model_validate(PLAIN))
    bad = evaluate_tracks(sequence, Tracks.empty(frame_count=10, width=640, height=480))
    fits_a = {"a": good, "b": bad, "c": bad, "d": bad}
    fits_the_rest = {"a": bad, "b": good, "c": good, "d": good}
    assert leave_one_out([fits_a, fits_the_rest]) == fits_the_rest
    assert leave_one_out([fits_a, {**fits_the_rest, "a": good}])["a"] is good
