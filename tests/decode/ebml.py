"""Elements of Matroska files (EBML, RFC 8794), to change what a file states."""

from __future__ import annotations

SEGMENT, CLUSTER, INFO = (bytes.fromhex(ident) for ident in ("18538067", "1F43B675", "1549A966"))
TRACKS, TRACK, VIDEO = (bytes.fromhex(ident) for ident in ("1654AE6B", "AE", "E0"))


def join_elements(elements: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(make_element(*each) for each in elements)


def make_element(ident: bytes, content: bytes) -> bytes:
    return ident + ((1 << 56) + len(content)).to_bytes(8) + content


def split_elements(content: bytes) -> list[tuple[bytes, bytes]]:
    """(ID, content) of the EBML elements in `content`."""
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(content):
        width = 9 - content[at].bit_length()
        size_width = 9 - content[at + width].bit_length()
        start = at + width + size_width
        length = int.from_bytes(content[at + width : start]) & ((1 << (7 * size_width)) - 1)
        found.append((content[at : at + width], content[start : start + length]))
        at = start + length
    return found
