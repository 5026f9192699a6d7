from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cli import sample_videos
from flows.cli.sample_videos import SAMPLES, count_whole_packets, cut_clip, fetch_samples
from tasks.errors import SemflowError


def pictures(path: Path) -> list[tuple[int | None, bytes]]:
    """Timestamp and pixels of every frame, as shown."""
    with av.open(str(path)) as reader:
        return [(frame.pts, frame.to_ndarray().tobytes()) for frame in reader.decode(video=0)]


def packets(path: Path, kind: str) -> list[tuple[int, int | None, bytes]]:
    with av.open(str(path)) as reader:
        stream = next(s for s in reader.streams if s.type == kind)
        return [(p.pts, p.dts, bytes(p)) for p in reader.demux(stream) if p.pts is not None]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of moving noise at 25 fps with B-frames, and a tone."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    random = np.random.default_rng(0)
    picture = random.integers(0, 255, (64, 96, 3), np.uint8)
    with av.open(str(path), "w") as writer:
        video = writer.add_stream("libx264", rate=25, options={"bf": "3", "g": "30"})
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = writer.add_stream("aac", rate=44100)
        for n in range(50):
            writer.mux(video.encode(av.VideoFrame.from_ndarray(np.roll(picture, 3 * n, axis=1))))
        for n in range(86):
            tone = av.AudioFrame.from_ndarray(np.full((1, 1024), n, np.float32) / 86, "fltp", "mono")
            tone.sample_rate, tone.pts = 44100, 1024 * n
            writer.mux(sound.encode(tone))
        writer.mux(video.encode())
        writer.mux(sound.encode())
    return path


@pytest.mark.parametrize("seconds", [0.01, 0.5, 1.0, 1.9])
def test_a_cut_shows_the_first_pictures_unchanged_without_a_hole(clip, tmp_path, seconds):
    whole = pictures(clip)
    cut_clip(clip, tmp_path / "cut.mp4", seconds)
    kept = pictures(tmp_path / "cut.mp4")
    assert kept == whole[: len(kept)]
    assert seconds * 25 - 4 <= len(kept) <= np.ceil(seconds * 25)  # 3 B-frames and the picture they lean on


def test_a_cut_keeps_packets_of_both_streams_as_they_are(clip, tmp_path):
    cut_clip(clip, tmp_path / "cut.mp4", 1.0)
    for kind in ("video", "audio"):
        whole, kept = packets(clip, kind), packets(tmp_path / "cut.mp4", kind)
        assert kept == whole[: len(kept)]
    seconds_of_sound = len(packets(tmp_path / "cut.mp4", "audio")) * 1024 / 44100
    assert seconds_of_sound == pytest.approx(len(pictures(tmp_path / "cut.mp4")) / 25, abs=0.05)


def test_a_cut_has_the_same_bytes_every_time(clip, tmp_path):
    for name in ("one.mp4", "two.mp4"):
        cut_clip(clip, tmp_path / name, 1.0)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_a_short_clip_is_copied_whole(clip, tmp_path):
    cut_clip(clip, tmp_path / "cut.mp4", 10.0)
    assert (tmp_path / "cut.mp4").read_bytes() == clip.read_bytes()


@given(st.permutations(range(12)), st.integers(1, 12))
def test_the_packets_kept_are_all_pictures_up_to_a_time_and_as_many_as_can_be(order, limit):
    pts = np.array([0, *(n + 1 for n in order)])  # the first packet is a keyframe, shown first
    kept = count_whole_packets(pts, limit)
    possible = [n for n in range(1, len(pts) + 1) if sorted(pts[:n]) == list(range(n)) and max(pts[:n]) < limit]
    assert kept == max(possible)


@pytest.fixture
def one_sample(clip, monkeypatch) -> None:
    """`clip` as the one sample, at hand without a network."""
    monkeypatch.setattr(sample_videos, "SAMPLES", (dataclasses.replace(SAMPLES[0], name="clip"),))
    monkeypatch.setattr(sample_videos, "fetch_asset", lambda asset: clip)


@pytest.mark.usefixtures("one_sample")
def test_a_sample_that_is_there_is_left_alone(tmp_path):
    (placed,) = fetch_samples(tmp_path, seconds=1.0)
    assert placed == tmp_path / "data/raw/clip.mp4"
    before = placed.stat()
    fetch_samples(tmp_path, seconds=1.0)
    assert (placed.stat().st_mtime_ns, placed.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert [p.name for p in placed.parent.iterdir()] == ["clip.mp4"]


@pytest.mark.usefixtures("one_sample")
def test_another_file_of_a_samples_name_is_not_overwritten(tmp_path):
    own = tmp_path / "data/raw/clip.mp4"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own clip")
    with pytest.raises(SemflowError, match=r"clip.mp4 must be the sample clip of that name, got another file"):
        fetch_samples(tmp_path)
    assert own.read_bytes() == b"my own clip"
    assert [p.name for p in own.parent.iterdir()] == ["clip.mp4"]


def test_no_time_at_all_is_refused(tmp_path):
    with pytest.raises(SemflowError, match="seconds must be more than 0, got 0"):
        fetch_samples(tmp_path, seconds=0)


def test_the_real_samples_play_for_some_ten_seconds_and_come_out_the_same_twice(tmp_path):
    first, second = (fetch_samples(tmp_path / name) for name in ("one", "two"))
    assert [p.name for p in first] == ["market_street.mp4", "walk.mp4", "bikes.mp4"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert [len(packets(p, "video")) for p in first] == [298, 230, 250]
    for path in first:
        with av.open(str(path)) as reader:
            times = np.array([frame.pts for frame in reader.decode(video=0)])
        assert len(set(np.diff(times))) == 1, path


@pytest.mark.usefixtures("one_sample")
def test_samples_in_large_packages_come_only_when_asked_for(tmp_path):
    assert [path.stem for path in fetch_samples(tmp_path, seconds=1.0)] == ["clip"]
    assert [path.stem for path in fetch_samples(tmp_path, seconds=1.0, more=True)] == ["clip", "treadmill"]
