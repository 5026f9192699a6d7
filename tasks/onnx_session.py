"""Sessions of onnxruntime on the CPU, as every stage opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.threads import count_threads

LOG_ERRORS_ONLY = 3


def open_onnx_session(model: Path | bytes, threads: int | None = None) -> Any:
    """An InferenceSession of a file or of a serialised model; results do not depend on `threads` (count_threads)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or count_threads()
    options.log_severity_level = LOG_ERRORS_ONLY
    # Waiting threads must not spin: several videos and stages share the processors.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
