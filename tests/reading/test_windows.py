"""Windows for training: aligned by time, the same in every process, in an order that can be resumed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import semflow
from flows.reading.window_index import Window, choose_frames, list_windows, shuffle_windows
from semflow import SemflowError
from semflow.torch import Windows, WindowSampler, collate_windows
from tests.reading.conftest import TIMES

ALL = {"inputs": ("frames", "dense_flow", "features"), "targets": ("tracks", "actions")}


@pytest.fixture
def windows(project: Path) -> Windows:
    return Windows(semflow.open(project), **ALL, seconds=1, stride=0.5)


def test_windows_last_as_long_whatever_the_frame_rate(windows: Windows) -> None:
    for item in (windows[number] for number in range(len(windows))):
        assert item["end_s"] - item["start_s"] == pytest.approx(1)
        pts_s = TIMES[item["video"]]
        inside = (pts_s >= item["start_s"] - 1e-9) & (pts_s < item["end_s"] - 1e-9)
        np.testing.assert_array_equal(item["frame"], np.flatnonzero(inside))
        np.testing.assert_array_equal(item["pts_s"], pts_s[inside])
    lengths = {video: [] for video in TIMES}
    for item in (windows[number] for number in range(len(windows))):
        lengths[item["video"]].append(len(item["frame"]))
    assert set(lengths["steady"]) == {10}
    assert len(set(lengths["uneven"])) > 1


def test_all_parts_of_a_window_tell_of_the_same_frames(windows: Windows) -> None:
    for item in (windows[number] for number in range(len(windows))):
        frame, count = item["frame"], len(item["frame"])
        assert item["frames"].shape == (count, 3, 24, 32)
        assert (item["frames"][:, 0, 0, 0] == frame).all()
        last = frame == len(TIMES[item["video"]]) - 1
        assert (item["dense_flow"][:, 0, 0, 0] == torch.where(last, 0, frame)).all()
        assert item["features"].shape == (count, 5, 3, 4)
        distance = (item["features_pts_s"] - item["pts_s"]).abs()
        assert (distance <= 0.2 + 1e-9).all()
        assert (item["tracks"]["frame"] == frame[item["tracks"]["step"]]).all()
        assert item["tracks"]["class_name"] == ["person"] * count
        assert set(item["actions"]["label"]) <= {"walk", "jump"}
        assert item["actions"]["label"]


def test_samples_are_the_frames_shown_at_evenly_spaced_instants() -> None:
    pts_s = np.array([0, 0.1, 0.2, 0.9, 1.0, 1.1])
    assert choose_frames(pts_s, Window("a", 0, 1), 5).tolist() == [0, 2, 2, 2, 2]
    assert choose_frames(pts_s, Window("a", 0, 1), None).tolist() == [0, 1, 2, 3]


def test_a_batch_of_samples_is_stacked(project: Path) -> None:
    windows = Windows(semflow.open(project), inputs=("frames",), targets=("tracks",), seconds=1, stride=1, samples=4)
    batch = next(iter(DataLoader(windows, batch_size=3, collate_fn=collate_windows)))
    assert batch["frames"].shape == (3, 4, 3, 24, 32)
    assert batch["start_s"].tolist() == [0, 1, 2]
    assert len(batch["tracks"]) == 3


@pytest.mark.parametrize(("length", "count"), [(0.9, 0), (1.0, 1), (1.4, 1), (1.5, 2), (3.0, 5)])
def test_the_last_window_ends_by_the_end_of_the_film(length: float, count: int) -> None:
    assert len(list_windows("a", np.arange(round(length * 10)) / 10, 1, 0.5)) == count


COMPARE = """
import pickle, sys
from pathlib import Path
from torch.utils.data import DataLoader
windows = pickle.loads(Path(sys.argv[1]).read_bytes())
def read(workers):
    loader = DataLoader(windows, batch_size=None, num_workers=workers)
    return [(item["video"], item["start_s"], float(item["dense_flow"].sum())) for item in loader]
assert read(2) == read(0)
"""


def test_worker_processes_give_the_same_windows(windows: Windows, tmp_path: Path) -> None:
    """In a process of its own: a loader forks, and this process has threads of other tests."""
    file = tmp_path / "windows.pickle"
    file.write_bytes(pickle.dumps(windows))
    subprocess.run([sys.executable, "-c", COMPARE, str(file)], check=True, timeout=300)


def test_windows_can_be_sent_to_a_process_that_was_not_forked(windows: Windows) -> None:
    again = pickle.loads(pickle.dumps(windows))
    assert torch.equal(again[3]["dense_flow"], windows[3]["dense_flow"])


def test_the_order_is_shuffled_fixed_and_resumable(windows: Windows) -> None:
    order = list(WindowSampler(windows, seed=1, epoch=2))
    assert sorted(order) == list(range(len(windows)))
    assert order == list(WindowSampler(windows, seed=1, epoch=2))
    assert order != sorted(order)
    assert order != list(WindowSampler(windows, seed=1, epoch=3)) != list(WindowSampler(windows, seed=2, epoch=3))
    resumed = WindowSampler(windows, seed=1, epoch=2, skip=4)
    assert list(resumed) == order[4:]
    assert len(resumed) == len(windows) - 4
    resumed.set_epoch(3)
    assert len(list(resumed)) == len(windows)


def test_an_added_video_does_not_change_the_order_of_the_others() -> None:
    few = [Window("a", start, start + 1) for start in range(20)]
    more = [*(Window("b", start, start + 1) for start in range(20)), *few]
    kept = [more[number] for number in shuffle_windows(more, 0, 0) if more[number].video == "a"]
    assert kept == [few[number] for number in shuffle_windows(few, 0, 0)]
    assert Counter(kept) == Counter(few)


def test_what_is_not_stored_says_what_to_do(project: Path) -> None:
    for path in (project / "data/features").iterdir():
        path.unlink()
    with pytest.raises(SemflowError, match=r"features of steady .* extract_features in compute.recompute"):
        Windows(semflow.open(project), inputs=("features",))
    with pytest.raises(SemflowError, match=r"inputs and targets must be among frames, .* got 'masks'"):
        Windows(semflow.open(project), inputs=("masks",))
    with pytest.raises(SemflowError, match="seconds must be at most the length of a video, got 100, and 2"):
        Windows(semflow.open(project), seconds=100)
    with pytest.raises(SemflowError, match="seconds and stride must be above 0"):
        Windows(semflow.open(project), seconds=0)


def test_one_name_needs_no_list(project: Path) -> None:
    ds = semflow.open(project)
    one = Windows(ds, inputs="dense_flow", targets="tracks", videos="steady")
    listed = Windows(ds, inputs=("dense_flow",), targets=("tracks",), videos=("steady",))
    assert one.windows == listed.windows and one.names == listed.names
    assert repr(one).endswith("windows of 1 videos: dense_flow, tracks>")


def test_without_frames_the_clock_is_that_of_dense_flow(project: Path) -> None:
    for path in (project / "data/frames").iterdir():
        path.unlink()
    item = Windows(semflow.open(project), targets=("tracks",), videos=["uneven"])[0]
    assert item["pts_s"][0] == 0
    assert len(item["frame"]) == (TIMES["uneven"] < 2 - 1e-9).sum()
