"""What a file is by its first bytes, where FFmpeg would not tell or would tell something misleading."""

from __future__ import annotations

import re
from pathlib import Path

SAMPLE_BYTES = 4096  # bytes inspected
TEXT_VIDEO_MARK = b"YUV4MPEG2"
"""First bytes of uncompressed video whose dark pictures consist of printable characters."""
POINTERS = {
    b"version https://git-lfs.github.com/spec/": "a pointer of Git LFS in place of the video; run `git lfs pull`",
    b"version https://hawser.github.com/spec/": "a pointer of Git LFS in place of the video; run `git lfs pull`",
    b"/annex/objects/": "a pointer of git-annex in place of the video; run `git annex get` on it",
}
"""First bytes of what versioning tools leave in place of a file that was not fetched."""
ANNEX_LINK = re.compile(rb"(\.\./)*\.git/annex/objects/")
"""A link of git-annex that was copied as text."""


def explain_no_video(sample: bytes) -> str | None:
    """What a file is instead of a video and what to do, by its first bytes; None where FFmpeg is to say."""
    for mark, words in POINTERS.items():
        if sample.startswith(mark):
            return words
    if ANNEX_LINK.match(sample):
        return POINTERS[b"/annex/objects/"]
    if sample.startswith(TEXT_VIDEO_MARK):
        return None
    return "text; remove it from the raw videos" if _is_text(sample) else None


def is_mp4(sample: bytes) -> bool:
    """Whether a file begins as MP4 and QuickTime do."""
    return sample[4:8] in (b"ftyp", b"mdat", b"free", b"wide", b"skip")


def is_animated_webp(sample: bytes) -> bool:
    """Whether a file is a WebP with several frames, of which FFmpeg decodes none."""
    return sample[:4] == b"RIFF" and sample[8:12] == b"WEBP" and b"ANIM" in sample


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
