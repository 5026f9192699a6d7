"""Deinterlacing: each interlaced frame becomes a progressive one, by bwdif of FFmpeg's filter graph.

bwdif (Bob Weaver deinterlacing filter) keeps the lines of the field that is shown first and estimates the others from
the fields before and after, by w3fdif's filters in place and yadif's prediction over time. One frame is made of each,
so the frame rate stays, and every frame keeps its time. Which field comes first is what the file states, frame by
frame; frames that are not marked as interlaced pass unchanged. The filter looks one frame ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import av.filter
from av.error import BlockingIOError as NeedsMore
from av.error import EOFError as EndOfStream
from av.filter.context import FilterContext
from av.video.frame import VideoFrame

from tasks.decode.timed_picture import TimedPicture

SETTINGS = "mode=send_frame:parity=auto:deint=interlaced"
Shape = tuple[int, int, str]
"""Width, height and pixel format, which are fixed for one filter graph."""


class Deinterlacer:
    """A pass over the decoded pictures of a video; the filter starts with the first interlaced one."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._ends: tuple[FilterContext, FilterContext] | None = None
        self._shape: Shape | None = None
        self._waiting: deque[TimedPicture] = deque()
        self._pushed = 0

    def deinterlace(self, pictures: Iterable[TimedPicture]) -> Iterator[TimedPicture]:
        """The pictures in their order, interlaced ones as progressive frames; lost ones keep their places."""
        for picture in pictures:
            frame = picture.picture.frame
            if frame is not None:
                if self._ends is None and not frame.interlaced_frame:
                    yield picture
                    continue
                if (shape := (frame.width, frame.height, frame.format.name)) != self._shape:
                    yield from self._finish()
                    self._start(frame, shape)
            self._waiting.append(picture)
            if frame is not None:
                self._push(frame)
            yield from self._take()
        yield from self._finish()

    def _start(self, first: VideoFrame, shape: Shape) -> None:
        graph = av.filter.Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=Fraction(1, 1000)
        )
        bwdif, sink = graph.add("bwdif", SETTINGS), graph.add("buffersink")
        graph.link_nodes(source, bwdif, sink).configure()
        self._graph, self._ends, self._shape = graph, (source, sink), shape

    def _push(self, frame: VideoFrame) -> None:
        assert self._ends is not None
        # The filter reads times only to hand them on: pictures are matched by their order.
        frame.pts, frame.time_base = self._pushed, Fraction(1, 1000)
        self._pushed += 1
        self._ends[0].push(frame)

    def _take(self) -> Iterator[TimedPicture]:
        """What the filter has ready, and lost pictures that come next."""
        while self._waiting:
            if self._waiting[0].picture.frame is None:
                yield self._waiting.popleft()
                continue
            if self._ends is None:
                return
            try:
                done = self._ends[1].pull()
            except (NeedsMore, EndOfStream):
                return
            assert isinstance(done, VideoFrame)
            item = self._waiting.popleft()
            yield replace(item, picture=replace(item.picture, frame=done))

    def _finish(self) -> Iterator[TimedPicture]:
        if self._ends is not None:
            self._ends[0].push(None)
            yield from self._take()
        yield from self._waiting
        self._waiting.clear()
        self._graph = self._ends = self._shape = None
