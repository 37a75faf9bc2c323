"""How much the level of a clip rises and falls: a voice that is near does, a murmur of many does not."""

import numpy as np

from edge_agent.segmentation import WINDOW_MS
from hardware.audio import SAMPLES_PER_MS, Samples

_WINDOW_SAMPLES = WINDOW_MS * SAMPLES_PER_MS
_SMOOTHED_WINDOWS = 5
"""160 ms, a syllable: what is shorter varies in noise as well."""
_FLOOR = 1e-10
"""Mean square of -100 dBFS, so that digital silence has a level."""


def level_range_db(clip: Samples) -> float:
    """Give how far the loud syllables of a clip lie above its pauses: 95th against 5th percentile of level, in dB.

    0 for a clip shorter than a syllable.
    """
    windows = len(clip) // _WINDOW_SAMPLES
    if windows < _SMOOTHED_WINDOWS:
        return 0.0
    power = np.square(clip[: windows * _WINDOW_SAMPLES]).reshape(windows, _WINDOW_SAMPLES).mean(axis=1)
    smoothed = np.convolve(power, np.full(_SMOOTHED_WINDOWS, 1 / _SMOOTHED_WINDOWS), mode="valid")
    low, high = np.percentile(10 * np.log10(smoothed + _FLOOR), [5, 95])
    return float(high - low)
