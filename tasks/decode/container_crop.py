"""The part of the stored picture that a container asks players to show: PixelCrop of Matroska, `clap` of MP4.

FFmpeg's own player and tools apply both, PyAV 18 does not export them, so they are read from the file here: RFC 9559
5.1.4.1.28 (PixelCropTop and so on), ISO/IEC 14496-12 12.1.4 (clean aperture). Cropping by the codec (H.264's SPS) is
another thing and done by the decoder.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, cast

import av.filter
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from tasks.decode.mp4_boxes import list_boxes, walk_boxes

SEGMENT, CLUSTER, TRACKS, TRACK, TRACK_TYPE, VIDEO = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0x83, 0xE0
PIXEL_WIDTH, PIXEL_HEIGHT = 0xB0, 0xBA
CROP_BOTTOM, CROP_TOP, CROP_LEFT, CROP_RIGHT = 0x54AA, 0x54BB, 0x54CC, 0x54DD
VIDEO_TRACK = 1  # TrackType of Matroska
MAX_HEADER_BYTES = 1 << 26  # of Tracks or moov: a moov of 10 hours of film takes 20 MB
SAMPLE_ENTRY_HEAD = 78  # bytes of a VisualSampleEntry before its boxes, without the box head
_graphs = threading.local()


@dataclass(frozen=True)
class ContainerCrop:
    """The shown part of frames of one size, pixels as stored, before rotation."""

    coded_width: int
    """Size of the frames that it holds for."""
    coded_height: int
    left: int
    top: int
    width: int
    """Of the shown part."""
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height} of {self.coded_width}x{self.coded_height} pixels"

    def holds_for(self, width: int, height: int) -> bool:
        """Whether frames of this size are cropped."""
        return (width, height) == (self.coded_width, self.coded_height)

    def crop(self, frame: VideoFrame) -> VideoFrame:
        """The shown part of `frame`, which keeps its pixels; frames of another size as they are."""
        if not self.holds_for(frame.width, frame.height):
            return frame
        source, sink = self._filter(frame)
        frame.time_base = frame.time_base or Fraction(1, 1000)
        source.push(frame)
        return cast("VideoFrame", sink.pull())

    def _filter(self, frame: VideoFrame) -> tuple[FilterContext, FilterContext]:
        """This thread's filter for such frames."""
        key = (self, frame.format.name)
        if getattr(_graphs, "key", None) != key:
            graph = av.filter.Graph()
            graph.threads = 1
            source = graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
            )
            # Exact: half a chroma sample of shift rather than another size.
            crop = graph.add("crop", f"{self.width}:{self.height}:{self.left}:{self.top}:exact=1")
            sink = graph.add("buffersink")
            graph.link_nodes(source, crop, sink).configure()
            _graphs.key, _graphs.graph, _graphs.ends = key, graph, (source, sink)
        return cast("tuple[FilterContext, FilterContext]", _graphs.ends)


def read_container_crop(stream: BinaryIO, formats: list[str], track_id: int, place: int) -> ContainerCrop | None:
    """What the container in `stream` asks to show of a video track; None where it asks nothing that can be.

    `formats`: FFmpeg's names of the container. The track: `track_id` in MP4, the number `place` among the video tracks
    in Matroska.
    """
    if set(formats) & {"matroska", "webm"}:
        read = _read_matroska
        track = place
    elif "mov" in formats:
        read = _read_mp4
        track = track_id
    else:
        return None
    try:
        found = read(stream, track)
    except (OSError, ValueError, struct.error, ZeroDivisionError):  # a damaged header: FFmpeg has taken what it can
        return None
    if found is None or found.left < 0 or found.top < 0 or found.width < 1 or found.height < 1:
        return None
    fits = found.left + found.width <= found.coded_width and found.top + found.height <= found.coded_height
    return found if fits and (found.width, found.height) != (found.coded_width, found.coded_height) else None


def _read_matroska(stream: BinaryIO, place: int) -> ContainerCrop | None:
    size = stream.seek(0, 2)
    at, end = 0, size
    while at < end:
        stream.seek(at)
        ident, length, head = _read_element_head(stream.read(12))
        if ident == SEGMENT:
            at += head
        elif ident == TRACKS and length is not None and length <= MAX_HEADER_BYTES:
            stream.seek(at + head)
            return _read_tracks(stream.read(length), place)
        elif length is None:  # a live recording; what comes after its first cluster is not worth a search
            return None
        else:
            at += head + length
    return None


def _read_tracks(content: bytes, place: int) -> ContainerCrop | None:
    tracks = (dict(_list_elements(track)) for ident, track in _list_elements(content) if ident == TRACK)
    videos = [track for track in tracks if _to_number(track.get(TRACK_TYPE)) == VIDEO_TRACK]
    if place >= len(videos):
        return None
    video = dict(_list_elements(videos[place].get(VIDEO, b"")))
    width, height, left, right, top, bottom = (
        _to_number(video.get(ident))
        for ident in (PIXEL_WIDTH, PIXEL_HEIGHT, CROP_LEFT, CROP_RIGHT, CROP_TOP, CROP_BOTTOM)
    )
    return ContainerCrop(width, height, left, top, width - left - right, height - top - bottom)


def _list_elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(ID, content) of the EBML elements that lie in `content`."""
    at = 0
    while at < len(content):
        ident, length, head = _read_element_head(content[at : at + 12])
        if length is None:
            raise ValueError("an element of a header must state its length")
        yield ident, content[at + head : at + head + length]
        at += head + length


def _read_element_head(head: bytes) -> tuple[int, int | None, int]:
    """ID, length of the content (None: unknown), and length of both (RFC 8794 4 to 6)."""
    ident_bytes = _vint_bytes(head, 0)
    length_bytes = _vint_bytes(head, ident_bytes)
    whole = int.from_bytes(head[ident_bytes : ident_bytes + length_bytes])
    most = (1 << (7 * length_bytes)) - 1
    length = whole & most
    return int.from_bytes(head[:ident_bytes]), None if length == most else length, ident_bytes + length_bytes


def _vint_bytes(head: bytes, at: int) -> int:
    if len(head) <= at or not head[at]:
        raise ValueError("an EBML number must have at most eight bytes")
    return 9 - head[at].bit_length()


def _to_number(content: bytes | None) -> int:
    return int.from_bytes(content or b"")


def _read_mp4(stream: BinaryIO, track_id: int) -> ContainerCrop | None:
    for box in walk_boxes(stream):
        if box.kind == b"moov" and box.length <= MAX_HEADER_BYTES:
            stream.seek(box.start)
            return _read_moov(stream.read(box.length), track_id)
    return None


def _read_moov(content: bytes, track_id: int) -> ContainerCrop | None:
    for kind, track in list_boxes(content):
        boxes = dict(list_boxes(track)) if kind == b"trak" else {}
        header = boxes.get(b"tkhd", b"")
        if header and struct.unpack_from(">I", header, 20 if header[0] else 12)[0] == track_id:
            for parent in (b"mdia", b"minf", b"stbl"):
                boxes = dict(list_boxes(boxes.get(parent, b"")))
            return _read_sample_entry(boxes.get(b"stsd", b"")[8:])
    return None


def _read_sample_entry(entries: bytes) -> ContainerCrop | None:
    """The crop of the first sample entry of a track."""
    _, entry = next(list_boxes(entries), (b"", b""))
    aperture = dict(list_boxes(entry[SAMPLE_ENTRY_HEAD:])).get(b"clap")
    if aperture is None:
        return None
    width, height = struct.unpack_from(">HH", entry, 24)
    shown_width, shown_height = (Fraction(*struct.unpack_from(">II", aperture, place)) for place in (0, 8))
    right, down = (Fraction(*struct.unpack_from(">iI", aperture, place)) for place in (16, 24))
    # Offsets are those of the middle of the shown part from that of the picture.
    left, top = (width - shown_width) / 2 + right, (height - shown_height) / 2 + down
    return ContainerCrop(width, height, int(left), int(top), round(shown_width), round(shown_height))
