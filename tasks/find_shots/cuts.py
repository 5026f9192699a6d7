"""Cuts: pairs of frames that no flow joins, while flow joins the pairs beside them.

Motion that is too fast for optical flow looks like a cut to a single pair, but it goes on: flow fails on the pairs
beside it as well. So a cut must have several times the photometric error of its neighbours, as in detectors that
compare with a rolling mean of the content (PySceneDetect's AdaptiveDetector). Compared is the neighbours' quantile of
two fifths, not their mean: where a quiet shot meets a fast one the quiet side decides, and cuts two frames apart stay.

Measured with DIS on the 13 clips of `semflow eval shots` at one to four times their speed: the error of 386 true cuts,
60 of them into or out of the fastest motion at triple speed, was at least 6.0 times the quantile, that of 69 pairs in
fast motion at most 2.4 times. The limit is the geometric mean; chosen without any one of the clips it lies between 3.7
and 3.9, and decides every pair of the clip that was left out rightly. Pictures that change with every frame, as in a
folder of photographs, are one shot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 3  # pairs on each side that a pair is compared with
QUANTILE = 0.4  # of their errors
MIN_RISE = 3.8  # of the photometric error over that quantile, measured as said above


def find_cuts(cut: NDArray[np.bool_], error: NDArray[np.floating]) -> list[int]:
    """Frames that begin a shot with a cut, in order.

    `cut` and `error` (frames - 1,) are dense flow's cuts and its photometric error, grey levels; NaN where unknown.
    """
    return [pair + 1 for pair in np.flatnonzero(cut).tolist() if _stands_out(pair, error)]


def _stands_out(pair: int, error: NDArray[np.floating]) -> bool:
    """Whether flow fails on the pair far more than on those beside it; True where nothing is known of these."""
    beside = np.concatenate([error[max(0, pair - REACH) : pair], error[pair + 1 : pair + 1 + REACH]])
    known = beside[np.isfinite(beside)]
    if not len(known) or not np.isfinite(error[pair]):
        return True
    return float(error[pair]) > MIN_RISE * float(np.quantile(known, QUANTILE))
