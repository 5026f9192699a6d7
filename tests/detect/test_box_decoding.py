from __future__ import annotations

import tracemalloc

import numpy as np

from tasks.detect.box_decoding import IMAGES_PER_GROUP, DetectedBoxes, decode_one_to_many, decode_one_to_one, join_boxes


def test_rows_of_a_one_to_one_head_are_taken_down_to_the_threshold_best_first():
    rows = np.array(
        [[0, 0, 2, 2, 0.5, 3], [1, 1, 4, 4, 0.9, 0], [0, 0, 9, 9, 0.25, 1], [0, 0, 9, 9, 0.2, 1]], np.float32
    )
    boxes = decode_one_to_one(rows, 0.25)
    assert boxes.class_id.tolist() == [0, 3, 1]
    assert boxes.xyxy[0].tolist() == [1, 1, 4, 4]


def test_columns_of_a_one_to_many_head_become_corners_one_box_per_anchor_and_class():
    columns = np.zeros((4 + 3, 5), np.float32)
    columns[:4, 1] = [10, 20, 4, 8]
    columns[4:, 1] = [0.6, 0.1, 0.7]
    boxes = decode_one_to_many(columns, 0.5, nms_iou=0.7, limit=300)
    assert boxes.class_id.tolist() == [2, 0]
    assert boxes.xyxy.tolist() == [[8, 16, 12, 24]] * 2


def test_overlapping_boxes_of_one_class_are_suppressed_and_the_limit_holds():
    columns = np.zeros((4 + 1, 3), np.float32)
    columns[:4] = np.array([[10, 20, 4, 8], [10, 20, 4, 7], [40, 20, 4, 8]]).T
    columns[4] = [0.6, 0.8, 0.7]
    assert decode_one_to_many(columns, 0.5, nms_iou=0.7, limit=300).score.tolist() == np.float32([0.8, 0.7]).tolist()
    assert decode_one_to_many(columns, 0.5, nms_iou=0.7, limit=1).score.tolist() == np.float32([0.8]).tolist()


def test_joining_nothing_gives_no_boxes():
    boxes = DetectedBoxes.from_parts([])
    assert (boxes.xyxy.shape, boxes.xyxy.dtype, boxes.class_id.dtype) == ((0, 4), np.float32, np.int16)


def test_boxes_of_a_long_film_take_no_more_memory_than_their_numbers():
    one = np.array([[1, 2, 3, 4, 0.9, 7]], np.float32)

    def measure(images: int) -> int:
        tracemalloc.start()
        joined = join_boxes(decode_one_to_one(one + np.float32(0), 0.5) for _ in range(images))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert joined.xyxy.shape == (images, 4) and joined.class_id.tolist() == [7] * images
        return peak

    few, many = 4 * IMAGES_PER_GROUP, 20 * IMAGES_PER_GROUP + 1
    assert (measure(many) - measure(few)) / (many - few) < 100
