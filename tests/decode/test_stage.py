"""The stage as the engine sees it: streamed, repeatable, lean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.artifacts import frames_file
from tasks.artifacts.frames import Frames
from tasks.artifacts.parquet_file import ROWS_PER_GROUP
from tasks.artifacts.raw_video import RawVideo
from tasks.decode.frame_reader import FrameReader
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode
from tasks.errors import SemflowError
from tests.decode.conftest import Decode, Odd
from tests.decode.film import COUNT, film

PARAMS = DecodeParams(
    max_side=640, fps=None, encoding="jpeg", quality=95, deinterlace="auto", tone_map="auto", anonymise="none"
)


def test_the_signature_declares_the_stage() -> None:
    assert decode.name == "decode"
    assert decode.inputs == {"raw": RawVideo}
    assert decode.outputs == (Frames,)
    assert decode.params is DecodeParams
    assert not decode.accelerator


def test_the_stage_module_loads_no_heavy_library() -> None:
    code = (
        "import sys, tasks.decode.stage; print(sorted({'av', 'cv2', 'pandas', 'pyarrow', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_is_read_before_it_is_written(tmp_path: Path) -> None:
    decode(RawVideo(tmp_path / "not there.mp4"), PARAMS)


@pytest.mark.parametrize("encoding", ["jpeg", "png", "raw"])
def test_the_same_bytes_whatever_the_number_of_threads(
    encoding: str, odd: Odd, decoded: Decode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for threads in (1, 4):
        monkeypatch.setenv("SEMFLOW_THREADS", str(threads))
        decoded(odd("damaged_b_frames.mp4"), str(threads), encoding=encoding)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "4.parquet").read_bytes()


def test_a_recipe_for_writing_can_be_used_twice(odd: Odd, tmp_path: Path) -> None:
    streamed = decode(RawVideo(odd("plain.mp4")), PARAMS)
    streamed.save(tmp_path / "one.parquet")
    streamed.save(tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_the_account_is_known_at_the_end_alone(odd: Odd) -> None:
    reading = FrameReader(odd("plain.mp4"), None, None, "png")
    with pytest.raises(SemflowError, match="after its last frame"):
        reading.decode_report()
    assert len(list(reading)) == COUNT
    assert reading.decode_report().kept == COUNT


def test_pictures_wait_for_nobody(tmp_path: Path, decoded: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long video only a few pictures are on their way at any time."""
    film(tmp_path / "long.mp4", count=200, options={"preset": "ultrafast"})
    ahead, most = 0, 0
    pull, push = FrameReader.__iter__, frames_file._make_table

    def counting(self: FrameReader):
        nonlocal ahead, most
        for row in pull(self):
            ahead += 1
            most = max(most, ahead)
            yield row

    def writing(first: int, rows: list, video: str):
        nonlocal ahead
        ahead -= len(rows)
        return push(first, rows, video)

    monkeypatch.setattr(FrameReader, "__iter__", counting)
    monkeypatch.setattr(frames_file, "_make_table", writing)
    assert len(decoded(tmp_path / "long.mp4")) == 200
    assert most <= ROWS_PER_GROUP + 2 * frames_file.MAX_ENCODER_THREADS + 2


def test_grainy_film_stays_within_a_sixth(tmp_path: Path, decoded: Decode) -> None:
    import av

    rng = np.random.default_rng(0)
    with av.open(str(tmp_path / "grain.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "1", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv444p"
        for _ in range(20):
            grain = np.clip(rng.normal(128, 25, (240, 320, 3)), 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grain, format="rgb24")))
        out.mux(stream.encode(None))
    frames = decoded(tmp_path / "grain.mp4", encoding="jpeg")
    assert (tmp_path / "frames.parquet").stat().st_size <= 20 * 320 * 240 * 3 / 6
    (note,) = frames.decode_report.notes
    assert note.startswith("JPEG quality was lowered from 95 to as little as ")


def test_lossless_encodings_hold_what_was_decoded(odd: Odd, decoded: Decode) -> None:
    png = decoded(odd("plain.mp4"), "png", encoding="png")
    raw = decoded(odd("plain.mp4"), "raw", encoding="raw")
    jpeg = decoded(odd("plain.mp4"), "jpeg", encoding="jpeg")
    for number in range(COUNT):
        np.testing.assert_array_equal(png.image(number), raw.image(number))
        assert np.abs(jpeg.image(number).astype(int) - raw.image(number)).mean() < 1.5


def test_the_pedestrians_of_opencv(ground_truth: Path, decoded: Decode) -> None:
    frames = decoded(ground_truth / "video" / "vtest.avi", max_side=96)
    account = frames.decode_report
    assert (len(frames), account.expected, account.decoded, account.damaged, account.lost) == (795, 795, 795, 0, 0)
    assert frames.pts_s == pytest.approx(np.arange(795) / 10)
    assert account.notes == ()
