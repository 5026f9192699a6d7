"""COCO JSON, read back by pycocotools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools.coco import COCO

from tasks.artifacts.masks import Masks
from tasks.artifacts.poses import COCO_KEYPOINTS, Poses
from tasks.artifacts.tracks import Tracks
from tests.export.conftest import VIDEO


def rows_of(tracks: Tracks, coco: Any) -> list[tuple[int, dict[str, Any]]]:
    """Each row of the tracks with the annotation of its frame and identity."""
    found = {(coco.imgs[a["image_id"]]["frame"], a["track_id"]): a for a in coco.anns.values()}
    assert len(found) == len(coco.anns) == len(tracks)
    return [(row, found[tracks.frame[row], tracks.track_id[row]]) for row in range(len(tracks))]


def test_pycocotools_reads_boxes_classes_and_masks(semflow: Any, made: Path, tracks: Tracks, tmp_path: Path) -> None:
    semflow("export", "coco", "--out", str(tmp_path / "coco"))
    coco, masks = COCO(str(tmp_path / "coco/annotations.json")), Masks.load(Masks.path(made, VIDEO))
    for row, annotation in rows_of(tracks, coco):
        left, top, width, height = annotation["bbox"]
        assert np.allclose([left, top, left + width, top + height], tracks.xyxy[row], atol=1e-4)
        assert coco.cats[annotation["category_id"]]["name"] == tracks.class_name[row]
        if tracks.detection[row] >= 0:
            assert np.array_equal(coco.annToMask(annotation), masks.mask(tracks.detection[row]))
            assert annotation["area"] == masks.area[tracks.detection[row]]
    assert len(coco.imgs) == tracks.frame_count, "frames without objects are images too"


def test_pycocotools_reads_keypoints_and_which_are_visible(
    semflow: Any, made: Path, tracks: Tracks, tmp_path: Path
) -> None:
    semflow("export", "coco", "--out", str(tmp_path / "coco"), "--classes", "person")
    coco, poses = COCO(str(tmp_path / "coco/annotations.json")), Poses.load(Poses.path(made, VIDEO))
    people = rows_of(tracks.take(tracks.class_name == "person"), coco)
    assert len(people) == len(poses)
    for row, annotation in people:
        x, y, flag = np.reshape(annotation["keypoints"], (-1, 3)).T
        assert flag.tolist() == [2] * (len(COCO_KEYPOINTS) - 1) + [0], "the last is not trusted"
        assert annotation["num_keypoints"] == len(COCO_KEYPOINTS) - 1
        assert np.allclose(np.stack([x, y], 1)[:-1], poses.xy[row, : len(COCO_KEYPOINTS) - 1], atol=1e-4)
    person: Any = coco.loadCats(coco.getCatIds(catNms=["person"]))[0]
    assert person["keypoints"] == list(COCO_KEYPOINTS)


def test_images_come_from_the_film_where_frames_are_not_kept(semflow: Any, tracks: Tracks, tmp_path: Path) -> None:
    semflow("export", "coco", "--out", str(tmp_path / "coco"), "--images")
    coco = COCO(str(tmp_path / "coco/annotations.json"))
    grey = []
    for image in coco.imgs.values():
        with Image.open(tmp_path / "coco/images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"]) == (tracks.width, tracks.height)
            grey.append(np.asarray(picture)[8:-8].mean())
    assert np.all(np.diff(grey) > 2), "the film grows lighter from frame to frame"
