"""A phone's photo: HEIF with tiles of HEVC that a grid joins (ISO/IEC 23008-12 6.6.2.3)."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.decode.film import film, maker, packets_of

TILE = 64  # pixels
TILES = 4
TILE_ITEMS = range(1, TILES + 1)
GRID_ITEM = TILES + 1
BRANDS = {"photo_tiles": b"heic", "photo_tiles_other_brand": b"mp42", "photo_two_images": b"mp42"}


@maker("photo_tiles.heic", "photo_tiles.mp4", "photo_tiles_other_brand.mp4", "photo_two_images.mp4")
def _photo(path: Path) -> None:
    """Two by two tiles; `two_images` has no grid that joins them."""
    source = path.with_name(f"tiles_{path.stem}.mp4")
    film(source, "libx265", size=(TILE, TILE), count=TILES, key_only=True)
    tiles, content = [packet for packet, *_ in packets_of(source)], source.read_bytes()
    source.unlink()
    at = content.index(b"hvcC") - 4
    decoder = content[at : at + struct.unpack_from(">I", content, at)[0]]
    joined = "two_images" not in path.stem
    head = _box(b"ftyp", BRANDS[path.stem], bytes(4), b"mif1", BRANDS[path.stem])
    start = len(head) + len(_meta(tiles, decoder, joined, 0)) + 8
    path.write_bytes(head + _meta(tiles, decoder, joined, start) + _box(b"mdat", *tiles))


def _meta(tiles: list[bytes], decoder: bytes, joined: bool, start: int) -> bytes:
    """The description of the items; the first tile lies `start` bytes from the beginning of the file."""
    items = [(item, b"hvc1") for item in TILE_ITEMS] + [(GRID_ITEM, b"grid")] * joined
    entries = [_full(b"infe", 2, struct.pack(">HH4sx", item, 0, kind)) for item, kind in items]
    places = b""
    for item, tile in zip(TILE_ITEMS, tiles, strict=True):
        places += struct.pack(">HHHHII", item, 0, 0, 1, start, len(tile))
        start += len(tile)
    grid = struct.pack(">BBBBHH", 0, 0, 1, 1, 2 * TILE, 2 * TILE)
    places += struct.pack(">HHHHII", GRID_ITEM, 1, 0, 1, 0, len(grid)) if joined else b""
    sizes = [_full(b"ispe", 0, struct.pack(">II", side, side)) for side in (TILE, 2 * TILE)]
    owned = [struct.pack(">HBBB", item, 2, 0x81, 2) for item in TILE_ITEMS]
    owned += [struct.pack(">HBB", GRID_ITEM, 1, 3)] * joined
    tiles_of = _box(b"dimg", struct.pack(f">HH{TILES}H", GRID_ITEM, TILES, *TILE_ITEMS))
    return _full(
        b"meta",
        0,
        _full(b"hdlr", 0, struct.pack(">I4s12xx", 0, b"pict")),
        _full(b"pitm", 0, struct.pack(">H", GRID_ITEM if joined else 1)),
        _full(b"iinf", 0, struct.pack(">H", len(items)), *entries),
        _full(b"iloc", 1, struct.pack(">BBH", 0x44, 0, len(items)), places),
        *([_full(b"iref", 0, tiles_of), _box(b"idat", grid)] if joined else []),
        _box(
            b"iprp",
            _box(b"ipco", decoder, *sizes),
            _full(b"ipma", 0, struct.pack(">I", len(owned)), *owned),
        ),
    )


def _box(kind: bytes, *content: bytes) -> bytes:
    joined = b"".join(content)
    return struct.pack(">I4s", 8 + len(joined), kind) + joined


def _full(kind: bytes, version: int, *content: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), *content)
