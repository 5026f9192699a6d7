"""Aligned windows of a data set for training with PyTorch.

    from semflow.torch import Windows, WindowSampler, collate_windows

    windows = Windows(semflow.open("."), inputs=("dense_flow",), targets=("tracks", "actions"), seconds=2, stride=1)
    order = WindowSampler(windows, seed=0)
    loader = DataLoader(windows, batch_size=8, sampler=order, collate_fn=collate_windows, num_workers=4)

Frames and features are not kept by default: to train on them, take `decode` and `extract_features` out of
`compute.recompute` in params.yaml and call `semflow run`, or open the working copy with `recompute=True`.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from flows.reading.artifact_kinds import find_kind
from flows.reading.video_dataset import VideoDataset
from flows.reading.window_index import Window, choose_frames, list_windows, shuffle_windows
from flows.reading.window_reader import VideoWindows, check_names
from tasks.errors import SemflowError

__all__ = ["WindowSampler", "Windows", "collate_windows"]
OPEN_VIDEOS = 8  # videos whose artifacts a process keeps open: readers are small, tables are in memory
WindowValues = dict[str, Any]


class Windows(TorchDataset[WindowValues]):
    """Windows of `seconds`, `stride` seconds apart, with what artifacts hold in them, aligned by presentation time.

    An item is a dict: `video`, `start_s`, `end_s`, `frame` (n,) and `pts_s` (n,) of its n frames, and for each name of
    `inputs` and `targets`: `frames` uint8 (n, 3, h, w); `dense_flow` float32 (n, 2, h, w) pixels to the film's next
    frame, and `dense_flow_valid`; `features` float32 (n, d, rows, columns) of the stored frame nearest in time, and
    `features_pts_s`; of tables a dict of columns, with `step`, the place among the n frames, or, of actions, the rows
    that overlap. n varies with the frame rate; with `samples` it is the same in all, the frames at evenly spaced
    instants. Items are equal bytes in any process; files are opened in each process anew.
    """

    def __init__(  # noqa: PLR0917  the choices of a training set
        self,
        ds: VideoDataset,
        inputs: str | Sequence[str] = ("dense_flow",),
        targets: str | Sequence[str] = (),
        seconds: float = 2,
        stride: float = 1,
        samples: int | None = None,
        videos: str | Sequence[str] | None = None,
    ) -> None:
        """Fetches what the windows read; SemflowError, which says what to do, where an artifact is not stored."""
        self.names = tuple(dict.fromkeys([*_list_names(inputs), *_list_names(targets)]))
        check_names(self.names)
        if samples is not None and samples < 1:
            raise SemflowError(f"samples must be at least 1, or None for all frames, got {samples}")
        self.samples = samples
        self._opened: OrderedDict[str, VideoWindows] = OrderedDict()
        self._process = os.getpid()
        chosen = ds.videos if videos is None else _list_names(videos)
        clock = () if "frames" in self.names else ("dense_flow",)
        found = {name: ds.source.locate(find_kind(name), chosen) for name in {*self.names, *clock}}
        self._paths: dict[str, dict[str, Path]] = {
            video: {name: paths[video] for name, paths in found.items()} for video in chosen
        }
        self.windows: tuple[Window, ...] = tuple(
            window for video in chosen for window in list_windows(video, self._open(video).pts_s, seconds, stride)
        )
        """All windows, by video and time."""
        if not self.windows:
            raise SemflowError(
                f"seconds must be at most the length of a video, got {seconds}, and {len(chosen)} that are all shorter"
            )

    def __repr__(self) -> str:
        return f"<{len(self.windows)} windows of {len(self._paths)} videos: {', '.join(self.names)}>"

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> WindowValues:
        window = self.windows[index]
        opened = self._open(window.video)
        frames = choose_frames(opened.pts_s, window, self.samples)
        item: WindowValues = {
            "video": window.video,
            "start_s": window.start_s,
            "end_s": window.end_s,
            "frame": torch.from_numpy(frames.astype(np.int64)),
            "pts_s": torch.from_numpy(opened.pts_s[frames]),
        }
        for name in self.names:
            item |= {key: _to_tensors(value) for key, value in opened.read(name, window, frames).items()}
        return item

    def __getstate__(self) -> Mapping[str, Any]:
        return {**self.__dict__, "_opened": OrderedDict()}

    def _open(self, video: str) -> VideoWindows:
        if os.getpid() != self._process:  # a forked worker must not share readers with its parent
            self._opened, self._process = OrderedDict(), os.getpid()
        if video not in self._opened:
            self._opened[video] = VideoWindows(self._paths[video])
            if len(self._opened) > OPEN_VIDEOS:
                self._opened.popitem(last=False)
        self._opened.move_to_end(video)
        return self._opened[video]


class WindowSampler(Sampler[int]):
    """The windows in an order that depends on seed and epoch alone; `skip` of them, seen before, are left out.

    To resume a training that stopped in epoch 3 after 128 windows: `WindowSampler(windows, seed, epoch=3, skip=128)`.
    """

    def __init__(self, windows: Windows, seed: int = 0, epoch: int = 0, skip: int = 0) -> None:
        self.windows, self.seed, self.epoch, self.skip = windows.windows, seed, epoch, skip

    def __len__(self) -> int:
        return max(0, len(self.windows) - self.skip)

    def __iter__(self) -> Iterator[int]:
        return iter(shuffle_windows(self.windows, self.seed, self.epoch)[self.skip :])

    def set_epoch(self, epoch: int) -> None:
        """Go on to another epoch, with all its windows."""
        self.epoch, self.skip = epoch, 0


def collate_windows(items: Sequence[WindowValues]) -> WindowValues:
    """A batch: tensors of one shape stacked, numbers as a tensor, everything else (rows of tables, texts) as a list."""
    return {key: _collate([item[key] for item in items]) for key in items[0]}


def _list_names(names: str | Sequence[str]) -> tuple[str, ...]:
    """Names as they were given, or the one that was given without a list."""
    return (names,) if isinstance(names, str) else tuple(names)


def _collate(values: list[Any]) -> Any:
    if all(isinstance(value, torch.Tensor) for value in values):
        tensors = cast("list[torch.Tensor]", values)
        return torch.stack(tensors) if len({tensor.shape for tensor in tensors}) == 1 else tensors
    return torch.tensor(values, dtype=torch.float64) if all(isinstance(value, float) for value in values) else values


def _to_tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _to_tensors(part) for key, part in cast("dict[str, Any]", value).items()}
    # Views with the channels first, which a batch copies into order: a copy here would cost as much as decoding.
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
