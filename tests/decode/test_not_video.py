"""What is no video is refused in words that help, and leaves nothing that matters behind."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest

from tasks.decode.file_kind import is_still_gif
from tasks.errors import BadInput
from tests.decode.conftest import Decode, Odd

REFUSED = {
    "empty.mp4": "must be a video, got an empty file; copy it again",
    "cut_off.mp4": "cut off before its index (no moov atom)",
    "nothing_decodes.mp4": "must hold frames that decode, got 24 packets of h264 and not one picture",
    "unknown_codec.avi": "must be in a codec that FFmpeg can decode, got an unknown one; convert it first",
    "audio_only.m4a": "must hold a video stream, got only audio; remove it",
    "audio_with_cover.mp4": "got only audio and cover picture",
    "text.mp4": "must be a video, got text",
    "text.txt": "must be a video, got text",
    "text.avi": "must be a video, got text",
    "latin.txt": "must be a video that FFmpeg can open",
    "playlist.m3u8": "must be a video, got text",
    "binary_playlist.m3u8": "must be a video that FFmpeg can open",
    "noise.mp4": "must be a video that FFmpeg can open, got 'Invalid data found when processing input'",
    "still.png": "must be a video, got a still image",
    "still.jpg": "must be a video, got a still image",
    "still.mp4": "must be a video, got a still image",
    "photo.avif": "must be a video, got a still image",
    "photo_tiles.heic": "must be a video, got a still image",
    "photo_tiles.mp4": "must be a video, got a still image",
    "photo_tiles_other_brand.mp4": "must be a video, got a still image",
    "photo_two_images.mp4": "must be a video, got a still image",
    "photo.ico": "must be a video, got a still image",
    "photo.webp": "must be a video, got a still image",
    "animation.webp": "got an animated WebP, which FFmpeg does not decode; convert it",
    "lfs_pointer.mp4": "got a pointer of Git LFS in place of the video; run `git lfs pull`",
    "annex_pointer.mp4": "run `git annex get`",
    "annex_link.mp4": "run `git annex get`",
    "lfs_pointer_windows.mp4": "run `git lfs pull`",
    "lfs_pointer_marked.mp4": "run `git lfs pull`",
    "annex_link_windows.mp4": "run `git annex get`",
    "dvc_pointer.mp4": "got a pointer of DVC in place of the video; run `dvc pull`",
    "server_link.mp4": "got a link of a file server, copied as text; copy the file that it leads to",
    "web_page.mp4": "got a web page in place of the video; download it again",
    "archive.mp4": "got an archive; unpack it",
    "packed.mp4": "got an archive; unpack it",
    "zeros.mp4": "got nothing but zeros at its beginning; it was never whole: download it again",
    "still.gif": "must be a video, got a still image",
    "still.tiff": "must be a video, got a still image",
    "still.bmp": "must be a video, got a still image",
    "document.mp4": "must be a video, got a PDF",
    "folder.mp4": "must be a video file, got a folder",
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name: str, odd: Odd, decoded: Decode) -> None:
    with pytest.raises(BadInput) as refusal:
        decoded(odd(name))
    message = str(refusal.value)
    assert message.startswith(name)
    assert REFUSED[name] in message


def test_a_gif_of_two_pictures_is_a_video_and_one_that_is_cut_off_no_still_image(odd: Odd, decoded: Decode) -> None:
    assert len(decoded(odd("two_pictures.gif"))) == 2
    with odd("cut_off.gif").open("rb") as content:
        assert not is_still_gif(content)
    assert not is_still_gif(io.BytesIO(b"GIF89a"))


def test_a_missing_file_is_named(tmp_path: Path, decoded: Decode) -> None:
    with pytest.raises(BadInput, match=r"gone\.mp4 must be a video file, got no such file"):
        decoded(tmp_path / "gone.mp4")


def test_the_next_file_decodes_after_a_refusal(odd: Odd, decoded: Decode) -> None:
    with pytest.raises(BadInput):
        decoded(odd("cut_off.mp4"))
    assert len(decoded(odd("plain.mp4"))) == 24


def test_ffmpeg_does_not_talk_to_the_terminal(
    odd: Odd, decoded: Decode, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("damaged.mp4", "hole.ts"):
        odd(name)
    capfd.readouterr()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for name in ("damaged.mp4", "hole.ts"):
        decoded(odd(name))
    assert capfd.readouterr() == ("", "")
