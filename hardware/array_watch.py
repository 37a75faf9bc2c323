"""Microphones of an array that hear nothing while their neighbours do: dead, covered, or no microphone at all; pure."""

from typing import Final

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.bool_]
"""Shape (microphones,): True for those that hear."""

DEAF_BELOW_DB: Final = -20.0
"""Against the loudest neighbour. Within a few centimetres all hear the same to 2 dB, and their tolerance is 1 dB."""

# A channel of zeros beside a processed channel that has sound: the firmware gives no single microphones.
_NOTHING_BELOW = 1e-6
# Over 2 s, so that a knock on one microphone passes.
_REMEMBERED_OF_A_BLOCK = 0.97


class ArrayWatch:
    """Compares what the microphones of an array hear, over about 2 s."""

    def __init__(self, microphones: int) -> None:
        """Watch so many."""
        self._microphones = microphones
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._powers: npt.NDArray[np.float64] = np.zeros(0)

    def push(self, block: npt.NDArray[np.float32]) -> Whole:
        """Take 64 ms, shape (n, channels), the microphones first and behind them what the device has processed."""
        # Without the mean: many microphones have a constant offset of their own.
        now = block.var(axis=0, dtype=np.float64)
        if not len(self._powers):
            self._powers = now
        self._powers = _REMEMBERED_OF_A_BLOCK * self._powers + (1 - _REMEMBERED_OF_A_BLOCK) * now
        heard = self._powers[: self._microphones]
        least = max(heard.max() * 10 ** (DEAF_BELOW_DB / 10), self._powers.max() * _NOTHING_BELOW)
        whole: Whole = heard >= least
        return whole
