"""Films whose container asks players to show a part of the picture."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

from tests.decode.ebml import CLUSTER, INFO, SEGMENT, TRACK, TRACKS, VIDEO, join_elements, make_element, split_elements
from tests.decode.film import HEIGHT, WIDTH, film, maker

LEFT, RIGHT, TOP, BOTTOM = 10, 6, 7, 5
DISPLAY_WIDTH, DISPLAY_HEIGHT = bytes.fromhex("54B0"), bytes.fromhex("54BA")
MP4_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


@maker("cropped.mkv", "cropped.webm", "cropped_large.mkv")
def _cropped_matroska(path: Path) -> None:
    size = (320, 240) if "large" in path.stem else (WIDTH, HEIGHT)
    film(path, "libvpx" if path.suffix == ".webm" else "libx264", size=size, options={"crf": "4"})
    numbers = {"54AA": BOTTOM, "54BB": TOP, "54CC": LEFT, "54DD": RIGHT}
    numbers |= {"54B0": size[0] - LEFT - RIGHT, "54BA": size[1] - TOP - BOTTOM}
    asked = b"".join(make_element(bytes.fromhex(ident), bytes([0, n // 256, n % 256])) for ident, n in numbers.items())
    content = path.read_bytes()
    start = content.index(SEGMENT)
    parts = split_elements(content[start + len(SEGMENT) + 8 :])
    track = next(
        inner for ident, part in parts if ident == TRACKS for kind, inner in split_elements(part) if kind == TRACK
    )
    fields = [
        (ident, _drop_display_size(part) + asked if ident == VIDEO else part) for ident, part in split_elements(track)
    ]
    tracks = make_element(TRACKS, make_element(TRACK, join_elements(fields)))
    info, clusters = (join_elements([each for each in parts if each[0] == ident]) for ident in (INFO, CLUSTER))
    path.write_bytes(content[:start] + make_element(SEGMENT, info + tracks + clusters))


@maker("cropped.mp4", "cropped.mov", "cropped_turned.mp4")
def _cropped_mp4(path: Path) -> None:
    film(path, options={"crf": "4"}, turn=-90 if "turned" in path.stem else None)
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    right, down = Fraction(LEFT - RIGHT, 2), Fraction(TOP - BOTTOM, 2)
    aperture = struct.pack(
        ">IIIIiIiI", width, 1, height, 1, right.numerator, right.denominator, down.numerator, down.denominator
    )
    box = struct.pack(">I4s", 8 + len(aperture), b"clap") + aperture
    content = bytearray(path.read_bytes())
    end = content.index(b"avc1", content.index(b"stsd")) - 4
    starts = [content.index(kind) - 4 for kind in MP4_PARENTS] + [end]
    place = end + struct.unpack_from(">I", content, end)[0]
    for start in starts:
        struct.pack_into(">I", content, start, struct.unpack_from(">I", content, start)[0] + len(box))
    content[place:place] = box
    path.write_bytes(content)


def _drop_display_size(video: bytes) -> bytes:
    """The fields of a video track without its display size."""
    return join_elements(
        [(ident, part) for ident, part in split_elements(video) if ident not in (DISPLAY_WIDTH, DISPLAY_HEIGHT)]
    )
