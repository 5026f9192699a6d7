"""What an artifact is in a sentence, and the code that reads it: for docs/data.md, `semflow describe` and the pages."""

from __future__ import annotations

import inspect
import json

OPENING = 'import semflow\n\nds = semflow.open(".")  # or a path, or an address with rev="v1.2"\n'
TABLE_EXAMPLE = """\
rows = ds.$.to_pandas(videos=@, time=(0, 2))
print(rows.head())
"""
EXAMPLES = {
    "frames": """\
frames = ds[@].frames
image = frames.image(0)  # (h, w, 3) uint8 RGB
print(image.shape, frames.pts_s[:3])
""",
    "dense_flow": """\
flow = ds[@].dense_flow
forward, valid = flow.forward(0), flow.valid(0)  # (h, w, 2) pixels from frame 0 to 1, (h, w) where it may be trusted
print(forward.shape, valid.mean(), flow.pts_s[0], flow.end_s[0])
""",
    "features": """\
features = ds[@].features
print(features.values.shape, features.stride, features.pixel_of(row=0, column=1))
print(features.at(x=20, y=12, t=0.1))  # unit vector of the nearest cell, in the stored frame nearest in time
""",
    "semantic_flow": """\
flow = ds[@].semantic_flow
pair, moved = flow.pairs[0], flow.flow(0)  # (rows, columns, 2) pixels from frame_a to frame_b, for every cell
print(pair.frame_a, pair.frame_b, flow.pixel_of(row=0, column=1), moved[0, 1], flow.confidence(0)[0, 1])
""",
    "semantic_field": """\
field = ds[@].semantic_field
found = field.map(0)  # label, confidence and ordinal depth of every pixel of the map
print([one.name for one in field.metadata.classes], found.label.shape, field.scale)
""",
    "masks": """\
masks = ds.masks[@]
for row in range(len(masks))[:3]:
    print(masks.frame[row], masks.mask(row).sum())  # (h, w) pixels of the object
""",
    "feature_axes": """\
axes = ds.feature_axes["dataset"]
print(axes.values.shape, axes.metadata.network)  # the mean, then an axis a row
""",
    "action_model": """\
model = ds.action_model["dataset"]
print(model.labels, model.fusion)
""",
}
"""Code below OPENING that reads an artifact, where it is not TABLE_EXAMPLE; "@" stands for the video's name,
"$" for the artifact's."""


def first_paragraph(kind: type) -> str:
    """The first paragraph of a class's docstring, on one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].split())


def make_reading_example(artifact: str, video: str) -> str:
    """Lines of Python that read the artifact of a video, in the folder of its project."""
    code = EXAMPLES.get(artifact, TABLE_EXAMPLE).replace("$", artifact)
    return OPENING + code.replace("@", json.dumps(video, ensure_ascii=False))
