"""What a file is by its first bytes, where FFmpeg would not tell or would tell something misleading."""

from __future__ import annotations

import re
from io import SEEK_CUR
from pathlib import Path
from typing import BinaryIO

SAMPLE_BYTES = 4096  # bytes inspected
GIF_HEAD_BYTES = 13
GIF_EXTENSION, GIF_PICTURE, GIF_END = b"\x21", b"\x2c", b"\x3b"
TEXT_VIDEO_MARK = b"YUV4MPEG2"
"""First bytes of uncompressed video whose dark pictures consist of printable characters."""
POINTERS = {
    b"version https://git-lfs.github.com/spec/": "a pointer of Git LFS in place of the video; run `git lfs pull`",
    b"version https://hawser.github.com/spec/": "a pointer of Git LFS in place of the video; run `git lfs pull`",
    b"/annex/objects/": "a pointer of git-annex in place of the video; run `git annex get` on it",
}
"""First bytes of what versioning tools leave in place of a file that was not fetched."""
ANNEX_LINK = re.compile(rb"(\.\.[/\\])*\.git[/\\]annex[/\\]objects[/\\]")
"""A link of git-annex that was copied as text."""
OTHER_KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"outs:\s+- (md5|hash|path|size):"), "a pointer of DVC in place of the video; run `dvc pull`"),
    (re.compile(rb"XSym\n\d{4}\n"), "a link of a file server, copied as text; copy the file that it leads to"),
    (re.compile(rb"\s*<(!doctype html|html)\b", re.IGNORECASE), "a web page in place of the video; download it again"),
    (re.compile(rb"PK\x03\x04|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08|\xfd7zXZ\0"), "an archive; unpack it"),
    (re.compile(rb"%PDF-"), "a PDF; remove it from the raw videos"),
)
"""First bytes of other files that come under the name of a video, and what they are."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def explain_no_video(sample: bytes) -> str | None:
    """What a file is instead of a video and what to do, by its first bytes; None where FFmpeg is to say."""
    sample = sample.removeprefix(BYTE_ORDER_MARK)
    for mark, words in POINTERS.items():
        if sample.startswith(mark):
            return words
    if ANNEX_LINK.match(sample):
        return POINTERS[b"/annex/objects/"]
    for pattern, words in OTHER_KINDS:
        if pattern.match(sample):
            return words
    if sample.startswith(TEXT_VIDEO_MARK):
        return None
    return "text; remove it from the raw videos" if _is_text(sample) else None


def is_mp4(sample: bytes) -> bool:
    """Whether a file begins as MP4 and QuickTime do."""
    return sample[4:8] in (b"ftyp", b"mdat", b"free", b"wide", b"skip")


def is_animated_webp(sample: bytes) -> bool:
    """Whether a file is a WebP with several frames, of which FFmpeg decodes none."""
    return sample[:4] == b"RIFF" and sample[8:12] == b"WEBP" and b"ANIM" in sample


def is_still_gif(content: BinaryIO) -> bool:
    """Whether a GIF is whole and holds one picture; read from its beginning (GIF89a, sections 18 to 27)."""
    content.seek(0)
    head = content.read(GIF_HEAD_BYTES)
    if len(head) < GIF_HEAD_BYTES:
        return False
    _skip_colours(content, head[10])
    pictures, kind = 0, b""
    while pictures < 2 and (kind := content.read(1)) in (GIF_EXTENSION, GIF_PICTURE):  # noqa: PLR2004  no more are asked
        if kind == GIF_EXTENSION:
            content.read(1)
        else:
            pictures += 1
            _skip_colours(content, (content.read(9) or b"\0")[-1])
            content.read(1)
        while length := content.read(1)[0:1]:
            if length == b"\0":
                break
            content.seek(length[0], SEEK_CUR)
    return pictures == 1 and kind == GIF_END


def _skip_colours(content: BinaryIO, flags: int) -> None:
    """Pass over a table of colours, where `flags` announce one."""
    content.seek(3 << ((flags & 7) + 1) if flags & 0x80 else 0, SEEK_CUR)


def read_sample(file: Path) -> bytes:
    """The first bytes of `file`."""
    with file.open("rb") as stream:
        return stream.read(SAMPLE_BYTES)


def _is_text(sample: bytes) -> bool:
    try:
        # A multi-byte character may be cut at the end of the sample.
        text = sample[: len(sample) - 3 if len(sample) == SAMPLE_BYTES else None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
