"""YOLO models of ultralytics: the library tied down, exported to ONNX, ready to run. Rooms share it."""
