"""A scene as files that the pipeline takes in: a video, or a folder of pictures."""

from __future__ import annotations

from pathlib import Path

import av
import cv2

from tasks.synthetic.scene.inputs import FPS
from tasks.synthetic.scene.scene import Scene

CRF = "10"  # x264: hardly to be told from the pictures; noise alone is weaker


def write_video(scene: Scene, path: Path) -> None:
    """H.264 at FPS frames per second; `path` ends on .mp4 or another container's name. Sides must be even."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=round(FPS), options={"crf": CRF, "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = scene.settings.width, scene.settings.height, "yuv420p"
        for image in scene.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_pictures(scene: Scene, folder: Path) -> None:
    """Below `folder`: frames/, classes/ and instances/, a PNG for each frame; grey levels are ids."""
    for name, pictures in (
        ("frames", scene.frames[..., ::-1]),
        ("classes", scene.classes),
        ("instances", scene.instances),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for frame, picture in enumerate(pictures):
            cv2.imwrite(str(folder / name / f"{frame:05d}.png"), picture)
