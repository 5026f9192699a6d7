"""Processor time inside models while a pipeline runs: networks (onnxruntime, torch), DIS optical flow, the decoder.

The time of a stage in its models is what these calls alone would take for the same images: the lower limit of the
stage. All threads of the process count, so stages are run one at a time.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast


@dataclass
class ModelClock:
    """Processor seconds of the outermost model calls so far."""

    seconds: float = 0.0
    depth: int = 0

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, timed unless it is made within another timed call."""

        @functools.wraps(call)
        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            self.depth += 1
            try:
                return call(*arguments, **options)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.seconds += time.process_time() - began

        return timed


class TimedObject:
    """An object whose method `method` is timed; other attributes are the object's own."""

    def __init__(self, wrapped: Any, method: str, clock: ModelClock) -> None:
        self._wrapped = wrapped
        self._timed = {method: clock.wrap(getattr(wrapped, method))}

    def __getattr__(self, name: str) -> Any:
        timed = self.__dict__["_timed"]
        return timed[name] if name in timed else getattr(self.__dict__["_wrapped"], name)


@contextmanager
def time_models() -> Generator[ModelClock]:
    """Within the context, calls of networks and of DIS count on the clock."""
    import cv2
    import torch
    from onnxruntime.capi.onnxruntime_inference_collection import Session

    clock = ModelClock()
    session, module, opencv = cast("Any", Session), cast("Any", torch.nn.Module), cast("Any", cv2)
    run, call, flow = session.run, module.__call__, opencv.DISOpticalFlow
    session.run, module.__call__ = clock.wrap(run), clock.wrap(call)
    opencv.DISOpticalFlow = SimpleNamespace(create=lambda preset: TimedObject(flow.create(preset), "calc", clock))
    try:
        yield clock
    finally:
        session.run, module.__call__, opencv.DISOpticalFlow = run, call, flow


def time_decoder(path: str) -> float:
    """Processor seconds in which PyAV decodes all frames of a video with one thread and converts none."""
    import av

    began = time.process_time()
    with av.open(path) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for _ in container.decode(stream):
            pass
    return time.process_time() - began
