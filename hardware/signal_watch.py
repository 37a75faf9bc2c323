"""Audio that arrives and is of no use: clipped, or nothing but zeros, for minutes; pure."""

from typing import Final

import numpy as np

from hardware.audio import SAMPLES_PER_MS, Samples
from hardware.signals import Trouble

CLIPPED_OVER_MS: Final = 60_000
"""Clipping is judged minute by minute."""
SILENT_FOR_MS: Final = 120_000
"""A muted microphone gives zeros; a quiet room never does."""

_CLIPPED = Trouble("input_clipped", "Turn the microphone's level down, or move it away from the mouth.")
_SILENT = Trouble("input_silent", "Check that the microphone is not muted, on itself or in the system.")
_OVER = Trouble("", "")

# A 16-bit device's largest value is 0.99997.
_FULL_SCALE = 0.999
_CLIPPED_SAMPLES = 0.001
_CLIPPED_TIME = 0.2
_ONE_BIT = 1 / 32_768


class SignalWatch:
    """Watches frames; says when a trouble begins and when it is over."""

    def __init__(self) -> None:
        self._said = _OVER
        self._silent_ms = 0
        self._minute_ms = 0
        self._clipped_ms = 0
        self._clips = False

    def push(self, samples: Samples) -> Trouble | None:
        """Take a frame, full scale ±1; give what has changed."""
        lasts_ms = len(samples) // SAMPLES_PER_MS
        loud = np.abs(samples)
        self._silent_ms = self._silent_ms + lasts_ms if not len(loud) or loud.max() <= _ONE_BIT else 0
        self._minute_ms += lasts_ms
        if len(loud) and np.count_nonzero(loud >= _FULL_SCALE) >= _CLIPPED_SAMPLES * len(loud):
            self._clipped_ms += lasts_ms
        if self._minute_ms >= CLIPPED_OVER_MS:
            self._clips = self._clipped_ms >= _CLIPPED_TIME * self._minute_ms
            self._minute_ms = self._clipped_ms = 0
        return self._change(_SILENT if self._silent_ms >= SILENT_FOR_MS else _CLIPPED if self._clips else _OVER)

    def _change(self, now: Trouble) -> Trouble | None:
        if now == self._said:
            return None
        self._said = now
        return now
