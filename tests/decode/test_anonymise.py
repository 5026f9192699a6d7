"""Faces are blurred before anything is stored: where they are, nowhere else, and the report says so."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.artifacts.raw_video import RawVideo
from tasks.decode import face_detector
from tasks.decode.anonymise_faces import MARGIN, PATCHES, blur_boxes
from tasks.decode.face_detector import FaceDetector, FaceMaps, decode_faces
from tasks.decode.frame_reader import ANONYMISED
from tasks.decode.params import DecodeParams
from tasks.decode.stage import decode

FACE = (20.0, 12.0, 40.0, 36.0)


def make_maps(height: int, width: int, *faces: tuple[float, float, float, float]) -> FaceMaps:
    """Maps of a grid of height x width cells in which each face has two neighbouring cells, the second less sure."""
    score = np.zeros((1, height, width), np.float32)
    size, offset = np.zeros((2, height, width), np.float32), np.zeros((2, height, width), np.float32)
    for number, (x1, y1, x2, y2) in enumerate(faces):
        x, y = (x1 + x2) / 8, (y1 + y2) / 8
        for column, sure in ((int(x), 0.9), (int(x) + 1, 0.5)):
            score[0, int(y), column] = sure - number / 10
            size[:, int(y), column] = np.log([(y2 - y1) / 4, (x2 - x1) / 4])
            offset[:, int(y), column] = y - int(y) - 0.5, x - column - 0.5
    return score, size, offset


def test_a_face_is_decoded_once_with_its_box_and_the_better_score_first():
    boxes = decode_faces(make_maps(16, 32, FACE, (80, 4, 100, 30)))
    assert boxes == pytest.approx(np.array([FACE, (80, 4, 100, 30)]), abs=1e-3)
    assert decode_faces(make_maps(16, 32)).shape == (0, 4)


def test_an_image_of_any_size_is_padded_and_boxes_stay_within_it():
    shown: list[np.ndarray] = []

    def forward(tensor: np.ndarray) -> FaceMaps:
        shown.append(tensor)
        return make_maps(tensor.shape[2] // 4, tensor.shape[3] // 4, FACE, (60, 40, 90, 62))

    boxes = FaceDetector(forward).find_faces(np.full((50, 70, 3), 200, np.uint8))
    assert shown[0].shape == (1, 3, 64, 96) and (shown[0][..., :50, :70] == 200).all() and shown[0][..., 70:].max() == 0
    assert boxes == pytest.approx(np.array([FACE, (60, 40, 70, 50)]), abs=1e-3)


def test_nothing_of_a_face_remains_but_a_few_colours_and_all_else_is_as_it_was():
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    before = image.copy()
    blurred = blur_boxes(image, np.array([FACE], np.float32))
    assert np.array_equal(image, before), "the given image is not changed"
    middle, reach = (30, 24), (20 * MARGIN / 2, 24 * MARGIN / 2)
    inside = np.zeros((60, 80), np.bool_)
    inside[
        int(middle[1] - reach[1]) : int(np.ceil(middle[1] + reach[1])),
        int(middle[0] - reach[0]) : int(np.ceil(middle[0] + reach[0])),
    ] = True
    assert np.array_equal(blurred[~inside], image[~inside])
    assert blurred[inside].std() < image[inside].std() / 3
    # Two faces that give the same few colours give the same patch: what is finer is lost.
    region = np.s_[8:40, 16:44]
    coarse = np.random.default_rng(1).integers(60, 190, (PATCHES, PATCHES, 3), np.uint8)
    flat = image.copy()
    flat[region] = np.repeat(np.repeat(coarse, 8, axis=0), 7, axis=1)
    wavy = flat.copy()
    wavy[region][::2], wavy[region][1::2] = flat[region][::2] + 10, flat[region][1::2] - 10
    box = [(30 - 14 / MARGIN, 24 - 16 / MARGIN, 30 + 14 / MARGIN, 24 + 16 / MARGIN)]
    both = [blur_boxes(each, np.array(box, np.float32))[region].astype(int) for each in (flat, wavy)]
    assert np.abs(both[0] - both[1]).max() <= 1


def test_a_box_outside_the_image_changes_nothing():
    image = np.full((20, 20, 3), 7, np.uint8)
    assert np.array_equal(blur_boxes(image, np.array([[40, 40, 50, 50], [-9, -9, -5, -5]], np.float32)), image)


def test_stored_images_have_blurred_faces_and_the_report_says_so(odd, decoded, monkeypatch):
    def everywhere(tensor: np.ndarray) -> FaceMaps:
        return make_maps(tensor.shape[2] // 4, tensor.shape[3] // 4, FACE)

    monkeypatch.setattr(face_detector, "load_face_detector", lambda: FaceDetector(everywhere))
    plain, blurred = (decoded(odd("plain.mp4"), anonymise, anonymise=anonymise) for anonymise in ("none", "faces"))
    assert ANONYMISED in blurred.decode_report.notes and ANONYMISED not in plain.decode_report.notes
    for number in (0, len(plain) - 1):
        expected = blur_boxes(plain.image(number), np.array([FACE], np.float32))
        assert np.array_equal(blurred.image(number), expected)
        assert not np.array_equal(expected, plain.image(number))


def test_weights_are_needed_only_where_faces_are_to_be_blurred():
    params = {
        mode: DecodeParams(
            max_side=640, fps=None, encoding="jpeg", quality=95, deinterlace="auto", tone_map="auto", anonymise=mode
        )
        for mode in ("none", "faces")
    }
    assert (decode.weights(params["none"]), decode.weights(params["faces"])) == ((), ("centerface",))
    assert (decode.kernels_for(params["none"]), decode.kernels_for(params["faces"])) == ((), ("onnxruntime",))
    assert decode.inputs == {"raw": RawVideo}


@pytest.mark.slow
def test_centerface_finds_faces_of_photographs_whatever_their_place(ground_truth):
    import cv2

    detector = face_detector.load_face_detector()
    found = 0
    for file in sorted((ground_truth / "pose/coco8-pose/images").iterdir()):
        image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
        boxes = detector.find_faces(image)
        moved = detector.find_faces(np.pad(image, ((32, 0), (64, 0), (0, 0))))
        found += len(boxes)
        assert len(moved) >= len(boxes) / 2
    assert found >= 5
