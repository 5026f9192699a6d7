"""The fixtures that these tests share with their neighbours."""

from tests.factories.moving_square import iou, make_inputs, make_world, params

__all__ = ["iou", "make_inputs", "make_world", "params"]
