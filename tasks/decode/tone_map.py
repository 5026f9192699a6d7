"""Tone mapping of HDR images (PQ and HLG, BT.2020) to standard dynamic range (BT.709, BT.1886).

Light is computed from the codes (ITU-R BT.2100), converted to BT.709's primaries and compressed by the curve of ITU-R
BT.2390-10, 5.4.1 from the peak of the content to 203 cd/m2, the reference white of ITU-R BT.2408: what is darker than
some 90 cd/m2 keeps its light. The curve is applied to the largest of red, green and blue, and the others are scaled
with it, which keeps hues. Only tables, sums, products and square roots are used, so all CPUs give the same bytes.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.arrays import Image

REFERENCE_WHITE_NITS = 203.0  # ITU-R BT.2408: light of SDR's white in HDR, cd/m2
DEFAULT_PEAK_NITS = 1000.0  # peak of content that states none, and of HLG displays (BT.2100)
MAX_NITS = 10_000.0  # of PQ
CODES = 1 << 16  # of a 16-bit channel
STEPS = 4095  # of the tables that are entered by square roots
DISPLAY_GAMMA = 2.4  # ITU-R BT.1886
HLG_GAMMA = 1.2  # ITU-R BT.2100, at 1,000 cd/m2
LUMA_2020 = (0.2627, 0.6780, 0.0593)
TO_709 = ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730))
"""BT.2020 to BT.709 primaries, of light (ITU-R BT.2087)."""
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
HLG_BREAK = 0.5  # code where the curve changes from a square root to a logarithm
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073

HdrTransfer = Literal["PQ", "HLG"]
Light = NDArray[np.float32]


def tone_map(rgb: NDArray[np.uint16], transfer: HdrTransfer, peak_nits: float) -> Image:
    """(h, w, 3) uint8 in BT.709 of an image of BT.2020 codes, (h, w, 3) uint16; `peak_nits`: of the content, cd/m2."""
    light = _decode_light(rgb, transfer)
    red, green, blue = (light[..., n] for n in range(3))
    mapped = np.stack([row[0] * red + row[1] * green + row[2] * blue for row in np.array(TO_709, np.float32)], axis=-1)
    mapped = np.clip(mapped, np.float32(0), np.float32(peak_nits))
    brightest = mapped.max(axis=-1)
    scale = _compression_table(peak_nits)[_to_steps(brightest / np.float32(peak_nits))]
    mapped *= (scale / np.float32(REFERENCE_WHITE_NITS))[..., None]
    return _display_table()[_to_steps(np.minimum(mapped, np.float32(1)))]


def _to_steps(share: Light) -> NDArray[np.intp]:
    """Entries of the tables that are entered by square roots, of values from 0 to 1."""
    return (np.sqrt(share) * np.float32(STEPS) + np.float32(0.5)).astype(np.intp)


def _decode_light(rgb: NDArray[np.uint16], transfer: HdrTransfer) -> Light:
    """Displayed light in cd/m2, BT.2020 primaries."""
    if transfer == "PQ":
        return _pq_table()[rgb]
    scene = _hlg_table()[rgb]
    weights = np.array(LUMA_2020, np.float32)
    luminance = weights[0] * scene[..., 0] + weights[1] * scene[..., 1] + weights[2] * scene[..., 2]
    gain = _hlg_gain_table()[_to_steps(np.minimum(luminance, np.float32(1)))]
    return scene * gain[..., None]


@cache
def _pq_table() -> Light:
    return np.array([_pq_to_nits(code / (CODES - 1)) for code in range(CODES)], np.float32)


@cache
def _hlg_table() -> Light:
    """Scene light from 0 to 1 of each code."""
    codes = (code / (CODES - 1) for code in range(CODES))
    half = 0.5
    return np.array(
        [c * c / 3 if c <= half else (math.exp((c - HLG_C) / HLG_A) + HLG_B) / 12 for c in codes], np.float32
    )


@cache
def _hlg_gain_table() -> Light:
    """Displayed light by scene light of each scene luminance."""
    shares = ((step / STEPS) ** 2 for step in range(STEPS + 1))
    return np.array([DEFAULT_PEAK_NITS * share ** (HLG_GAMMA - 1) for share in shares], np.float32)


@cache
def _compression_table(peak_nits: float) -> Light:
    """What the light of the brightest channel, as a share of the peak, is multiplied by."""
    white, peak = (_nits_to_pq(nits) for nits in (REFERENCE_WHITE_NITS, max(peak_nits, REFERENCE_WHITE_NITS)))
    lights = [peak_nits * (step / STEPS) ** 2 for step in range(1, STEPS + 1)]
    scales = [_pq_to_nits(_compress(_nits_to_pq(light) / peak, white / peak) * peak) / light for light in lights]
    return np.array([1.0, *scales], np.float32)


def _compress(code: float, highest: float) -> float:
    """The curve of BT.2390: PQ codes as shares of the content's peak, at most `highest`."""
    knee = 1.5 * highest - 0.5
    if code < knee:
        return code
    t = (code - knee) / (1 - knee) if knee < 1 else 0.0
    return (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * highest


@cache
def _display_table() -> NDArray[np.uint8]:
    """8-bit code of light, as a share of white, by BT.1886."""
    shares = ((step / STEPS) ** 2 for step in range(STEPS + 1))
    return np.array([round(255 * share ** (1 / DISPLAY_GAMMA)) for share in shares], np.uint8)


def _pq_to_nits(code: float) -> float:
    """Light of a PQ code from 0 to 1, cd/m2 (SMPTE ST 2084)."""
    root = code ** (1 / PQ_M2)
    return float(MAX_NITS * (max(root - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * root)) ** (1 / PQ_M1))


def _nits_to_pq(nits: float) -> float:
    """PQ code from 0 to 1 of light, cd/m2."""
    power = (nits / MAX_NITS) ** PQ_M1
    return float(((PQ_C1 + PQ_C2 * power) / (1 + PQ_C3 * power)) ** PQ_M2)
