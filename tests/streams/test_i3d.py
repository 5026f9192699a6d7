from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.artifacts.frames import Frames
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.streams.clip_network import compute_linear_logits
from tasks.streams.i3d import I3D, load_i3d
from tasks.streams.kinetics_labels import load_kinetics_labels
from tasks.streams.linear_head import softmax
from tasks.streams.video_clips import make_clip_windows, make_frame_squares, read_clips
from tasks.streams.window_plan import WindowPlan

PUBLISHED = {
    "v_SoccerJuggling_g23_c01": ("juggling soccer ball", 1.0),
    "v_CricketShot_g04_c01_rgb": ("playing cricket", 0.99),
    "hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6": ("cartwheeling", 0.69),
}
"""Class and probability of all frames at once, as the published network gives them."""


@pytest.fixture(scope="module")
def i3d() -> I3D:
    return load_i3d("cpu")


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Small ones: the network takes any size."""
    return np.random.default_rng(0).integers(0, 255, (3, 8, 64, 64, 3), np.uint8)


def test_the_labels_are_kinetics_in_alphabetical_order() -> None:
    labels = load_kinetics_labels()
    assert len(labels) == len(set(labels)) == 400
    assert list(labels) == sorted(labels)
    assert labels[0] == "abseiling" and labels[-1] == "zumba"


def test_clips_give_features_and_logits_of_the_right_shape(i3d: I3D, noise: np.ndarray) -> None:
    features, logits = i3d.extract_features(noise), i3d.compute_logits(noise)
    assert features.shape == (3, 1024) and features.dtype == np.float32
    assert logits.shape == (3, 400) and logits.dtype == np.float32
    assert (features >= 0).all() and features.std() > 0
    assert i3d.extract_features([]).shape == (0, 1024) and i3d.compute_logits([]).shape == (0, 400)


def test_a_clip_gives_the_same_bits_whatever_lies_beside_it_and_however_many_threads(
    i3d: I3D, noise: np.ndarray
) -> None:
    together = i3d.compute_logits(noise)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert (np.concatenate([i3d.compute_logits([clip]) for clip in noise]) == together).all()
    finally:
        torch.set_num_threads(threads)


def test_a_head_s_scores_are_its_matrix_product_row_by_row() -> None:
    rng = np.random.default_rng(0)
    features, weights, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((9, 64), (64, 5), (5,)))
    found = compute_linear_logits(features, weights, bias)
    assert found == pytest.approx(features @ weights + bias, abs=1e-4)
    assert all((compute_linear_logits(features[n : n + 1], weights, bias) == found[n]).all() for n in range(9))


@pytest.mark.slow
@pytest.mark.parametrize("clip", PUBLISHED)
def test_real_clips_get_the_published_class_and_probability(
    clip: str, i3d: I3D, ground_truth: Path, tmp_path: Path
) -> None:
    frames = whole_clip(ground_truth / "action", clip, tmp_path)
    count = len(frames)
    # All frames at once, one after the other, as the authors' evaluation takes them.
    (window,) = make_clip_windows(
        np.arange(count) / 25, frames.ok, np.zeros(count - 1, bool), WindowPlan(25, count, count, 1)
    )
    clips = read_clips(frames, window, [make_frame_squares(frames.height, frames.width, count)])
    probability = softmax(i3d.compute_logits(clips))[0]
    label, published = PUBLISHED[clip]
    assert i3d.labels[int(probability.argmax())] == label
    assert probability.max() == pytest.approx(published, abs=0.03)


def whole_clip(data: Path, clip: str, folder: Path) -> Frames:
    with (data / "labels.csv").open() as table:
        file = next(row["file"] for row in csv.DictReader(table) if row["file"].startswith(clip))
    params = DecodeParams(
        max_side=640, fps=None, encoding="raw", quality=95, deinterlace="auto", tone_map="auto", anonymise="none"
    )
    return decode(RawVideo(data / file), params).to(folder / "frames.parquet")
