"""Odd files that are damaged, cut off, or no videos at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.decode.film import film, maker, packets_of, picture, remux, spoil, with_sound
from tests.decode.whole_files import AV1


@maker("damaged.mp4", "damaged.mkv", "damaged.ts")
def _damaged(path: Path) -> None:
    """H.264 without B-frames: packets 11 and 12 of 24 are noise in the middle; the next key frame is 16."""
    film(path, options={"bf": "0", "crf": "10"})
    spoil(path, 11, 12)


@maker("damaged_b_frames.mp4")
def _damaged_b(path: Path) -> None:
    film(path, options={"bf": "2", "crf": "10"})
    spoil(path, 11, 12)


@maker("damaged_mjpeg.avi")
def _damaged_mjpeg(path: Path) -> None:
    film(path, "mjpeg", "yuvj420p")
    spoil(path, 11, 12)


@maker("damaged_av1.mp4", "damaged_prores.mov", "damaged_mpeg2.ts")
def _damaged_other(path: Path) -> None:
    codec, pixels, options = {
        "damaged_av1": ("libsvtav1", "yuv420p", AV1),
        "damaged_prores": ("prores_ks", "yuv422p10le", {}),
        "damaged_mpeg2": ("mpeg2video", "yuv420p", {}),
    }[path.stem]
    film(path, codec, pixels, options=options)
    spoil(path, 11, 12)


@maker("hole.mp4")
def _hole(path: Path) -> None:
    """Packets 10 to 13 are all zero: their frames never come out."""
    film(path, options={"bf": "0"})
    data = path.read_bytes()
    for content, *_ in packets_of(path)[10:14]:
        data = data.replace(content, bytes(len(content)))
    path.write_bytes(data)


@maker("hole.ts")
def _hole_ts(path: Path) -> None:
    """A fifth of the file, from its middle on, is zero, packet headers and all."""
    film(path, options={"bf": "0", "crf": "5"})
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) * 7 // 10] = bytes(len(data) * 7 // 10 - len(data) // 2)
    path.write_bytes(data)


@maker("cut_tail.mp4")
def _cut_tail_mp4(path: Path) -> None:
    """The index comes first, so the frames before the cut are there."""
    film(path, container={"movflags": "faststart"}, options={"bf": "0", "crf": "10"})
    content = packets_of(path)[18][0]
    data = path.read_bytes()
    path.write_bytes(data[: data.find(content) + len(content) // 2])


@maker("cut_tail.mkv", "cut_tail.avi")
def _cut_tail(path: Path) -> None:
    film(path, *(("mjpeg", "yuvj420p") if path.suffix == ".avi" else ("libx264",)), options={"bf": "0"})
    content = packets_of(path)[18][0]
    data = path.read_bytes()
    path.write_bytes(data[: data.find(content) + len(content) // 2])


@maker("starts_without_key.ts")
def _no_key(path: Path) -> None:
    """A recording that was switched on between two key frames."""
    film(path, options={"bf": "0", "crf": "10"})
    remux(path, packets_of(path)[3:])


@maker("cut_off.mp4")
def _cut_off(path: Path) -> None:
    """The index would come last, and is not there."""
    film(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


@maker("unknown_codec.avi")
def _unknown_codec(path: Path) -> None:
    film(path, "mjpeg", "yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"QQQQ"))


@maker("nothing_decodes.mp4")
def _nothing(path: Path) -> None:
    film(path)
    data = path.read_bytes()
    for content, *_ in packets_of(path):
        data = data.replace(content, bytes(len(content)))
    path.write_bytes(data)


@maker("empty.mp4")
def _empty(path: Path) -> None:
    path.write_bytes(b"")


@maker("text.mp4", "text.txt", "text.avi")
def _text(path: Path) -> None:
    path.write_text("This is a list of videos, not a vidéo.\n" * 200, encoding="utf-8")


@maker("latin.txt")
def _latin(path: Path) -> None:
    """FFmpeg would show it as a film of a terminal."""
    path.write_text("Dies wäre ein Film über Äpfel.\n" * 20, encoding="latin-1")


@maker("playlist.m3u8")
def _playlist(path: Path) -> None:
    film(path.with_name("part.ts"))
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\npart.ts\n#EXT-X-ENDLIST\n")


@maker("binary_playlist.m3u8")
def _binary_playlist(path: Path) -> None:
    """No text any more, and no end: FFmpeg would wait for more to come."""
    film(path.with_name("part.ts"))
    path.write_bytes(b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\npart.ts\n\xff\xfe\x00")


@maker("noise.mp4")
def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).integers(0, 256, 5000, dtype=np.uint8).tobytes())


@maker("still.png", "still.jpg", "still.mp4")
def _still(path: Path) -> None:
    import cv2

    path.write_bytes(cv2.imencode(".jpg" if path.suffix == ".jpg" else ".png", picture(0))[1].tobytes())


@maker("folder.mp4")
def _folder(path: Path) -> None:
    path.mkdir()


@maker("audio_only.m4a")
def _audio(path: Path) -> None:
    with_sound(path, video=False, cover=False)


@maker("audio_with_cover.mp4")
def _audio_cover(path: Path) -> None:
    with_sound(path, video=False, cover=True)
