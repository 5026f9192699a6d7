"""Shots of long films: how much of a film is in memory at a time, and that it is read once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.arrays import Image
from tasks.artifacts.frames import Frames
from tasks.find_shots.dissolves import list_lengths
from tasks.find_shots.film_scan import CHUNK, scan_film
from tasks.find_shots.thumbnails import FilmThumbnails
from tasks.synthetic.scene import scene_artifacts
from tasks.synthetic.scene.synthetic_scene import SceneSettings, make_scene

LENGTHS = list_lengths(30.0, 2.0)
CELLS = 4


@dataclass(frozen=True)
class CountedThumbnails:
    """Thumbnails of a film that count how many are asked for."""

    frames: int
    asked: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def __len__(self) -> int:
        return self.frames

    def __getitem__(self, part: slice, /) -> NDArray[np.uint8]:
        start, stop, _ = part.indices(self.frames)
        self.asked.append((start, stop))
        return np.random.default_rng(start).integers(0, 256, (stop - start, CELLS * 3), np.uint8)


def scan(thumbnails: CountedThumbnails) -> None:
    scan_film(thumbnails, [], np.zeros(len(thumbnails) - 1), LENGTHS)


@pytest.mark.parametrize("chunks", [3, 12])
def test_a_part_of_the_film_is_in_memory_however_long_it_is(chunks: int) -> None:
    thumbnails = CountedThumbnails(chunks * CHUNK)
    scan(thumbnails)
    assert max(stop - start for start, stop in thumbnails.asked) <= CHUNK + 2 * LENGTHS[-1]
    assert thumbnails.asked == sorted(thumbnails.asked) and len(thumbnails.asked) == chunks


def test_a_film_is_found_the_same_whatever_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    film = np.random.default_rng(0).integers(0, 256, (200, CELLS * 3)).astype(np.uint8)
    film[60:90] = np.rint(np.linspace(film[60], film[89], 30)).astype(np.uint8)  # a dissolve
    film[120:126] = 0
    cut, error = [70, 140], np.where(np.arange(199) // 30 == 2, 9.0, 1.0)
    whole = scan_film(film, cut, error, LENGTHS)
    assert [one.frame for one in whole.cuts] == [70, 140] and len(whole.contrast) == 200
    monkeypatch.setattr("tasks.find_shots.film_scan.CHUNK", 17)
    parts = scan_film(film, cut, error, LENGTHS)
    np.testing.assert_array_equal(parts.contrast, whole.contrast)
    assert parts.cuts == whole.cuts
    assert {(one.first, one.last) for one in parts.windows} == {(one.first, one.last) for one in whole.windows}


def test_overlapping_parts_decode_a_frame_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = make_scene(1, SceneSettings(frames=12, height=48, width=80, actors=1, leaving=0))
    frames: Frames = scene_artifacts.make_frames(scene).to(tmp_path / "frames.parquet")
    whole = FilmThumbnails(frames)[:]
    decoded: list[int] = []
    read = Frames.reduced_image

    def count(self: Frames, frame: int) -> Image:
        decoded.append(frame)
        return read(self, frame)

    monkeypatch.setattr(Frames, "reduced_image", count)
    thumbnails = FilmThumbnails(replace(frames))
    for start, stop in ((0, 6), (3, 9), (5, 12)):
        np.testing.assert_array_equal(thumbnails[start:stop], whole[start:stop])
    assert decoded == [*range(12)]
