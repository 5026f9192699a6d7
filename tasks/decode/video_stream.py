"""Selection of the video stream that is decoded, and recognition of photos that FFmpeg opens as videos."""

from __future__ import annotations

from typing import BinaryIO

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from tasks.decode.file_kind import is_animated_webp, is_still_gif
from tasks.decode.mp4_boxes import has_only_images
from tasks.errors import BadInput

PHOTO_FORMATS = frozenset({"ico"})
"""Formats of FFmpeg that hold still images only; its `..._pipe` formats are the others."""
PHOTO_BRANDS = frozenset({"heic", "heix", "heim", "heis", "mif1", "avif", "miaf"})
"""Major brands of HEIF files that hold still images: one, or one in tiles (ISO/IEC 23008-12, AVIF 4)."""
STILL = "must be a video, got a still image; remove it from the raw videos"
ANIMATED_WEBP = (
    "must be a video, got an animated WebP, which FFmpeg does not decode; convert it, for instance with "
    "`python -c \"from PIL import Image; Image.open('in.webp').save('out.apng', save_all=True)\"`"
)


def select_stream(
    name: str, container: InputContainer, sample: bytes, content: BinaryIO
) -> tuple[VideoStream, list[str]]:
    """The main video stream and a note where there are others; BadInput where none is a video that can be decoded.

    `name`: the file's, for messages. `sample`: its first bytes. `content`: the file, opened.
    """
    _refuse_photos(name, container, sample, content)
    real = list_films(container)
    if not real:
        held = [s.type for s in container.streams if s.type != "video"] + ["cover picture"] * bool(
            container.streams.video
        )
        found = f"only {' and '.join(sorted(set(held)))}" if held else "none"
        raise BadInput(f"{name} must hold a video stream, got {found}; remove it from the raw videos")
    # PyAV leaves the codec context away where the build has no decoder, though its types do not say so.
    readable = [s for s in real if getattr(s, "codec_context", None) is not None]
    if not readable:
        raise BadInput(f"{name} must be in a codec that FFmpeg can decode, got an unknown one; convert it first")
    # An animated AVIF has its first picture as a still image beside the animation.
    moving = [s for s in readable if s.frames > 1]
    candidates = moving if moving and all(s.frames for s in readable) else readable
    # FFmpeg's rule: the stream that the file marks as default, then the largest frame size, then the first.
    best = max(candidates, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height, -s.index))
    notes = [f"stream {best.index} taken of {len(real)} video streams"] if len(candidates) > 1 else []
    return best, notes


def list_films(container: InputContainer) -> list[VideoStream]:
    """The video streams without cover pictures."""
    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def _refuse_photos(name: str, container: InputContainer, sample: bytes, content: BinaryIO) -> None:
    form = container.format.name
    if form.endswith("_pipe") or form in PHOTO_FORMATS:
        raise BadInput(f"{name} {ANIMATED_WEBP if is_animated_webp(sample) else STILL}")
    if form == "gif" and is_still_gif(content):
        raise BadInput(f"{name} {STILL}")
    photo = container.metadata.get("major_brand", "").strip() in PHOTO_BRANDS
    # In tiles, each tile is a stream of one frame. Other brands hold images too, and then no track.
    one_each = all(s.frames <= 1 for s in container.streams.video)
    if one_each and "mov" in form.split(",") and (photo or has_only_images(content)):
        raise BadInput(f"{name} {STILL}")
