"""Samples of a wireless microphone to 16 kHz, with a count that never drifts."""

import av
import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, Samples

_NOTHING: Samples = np.zeros(0, dtype=np.float32)


class RateConverter:
    """A stream at one rate to 16 kHz; what 16 kHz needs is handed on untouched."""

    def __init__(self, rate_hz: int) -> None:
        """Name the rate of what is pushed."""
        self._rate_hz = rate_hz
        self._resampler = self._new_resampler()
        self._taken = 0
        self._given = 0

    @property
    def pending_samples(self) -> int:
        """Samples at 16 kHz that were taken and not yet given: the filter's delay."""
        return self._taken * SAMPLE_RATE_HZ // self._rate_hz - self._given

    def push(self, samples: Samples) -> Samples:
        """Take samples, shape (n,); give what is ready."""
        self._taken += len(samples)
        if self._rate_hz == SAMPLE_RATE_HZ:
            self._given += len(samples)
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
        frame.sample_rate = self._rate_hz
        return self._ready(self._resampler.resample(frame))

    def flush(self) -> Samples:
        """Give the rest, filled or cut to the exact length of what was taken, and start anew."""
        rest = _NOTHING if self._rate_hz == SAMPLE_RATE_HZ else self._ready(self._resampler.resample(None))
        missing = self.pending_samples
        self._resampler = self._new_resampler()
        self._taken = self._given = 0
        if missing < 0:
            return rest[:missing]
        filling: Samples = np.zeros(missing, dtype=np.float32)
        return np.concatenate([rest, filling])

    def _new_resampler(self) -> av.AudioResampler:
        return av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)

    def _ready(self, frames: list[av.AudioFrame]) -> Samples:
        parts = [frame.to_ndarray().reshape(-1) for frame in frames]
        samples: Samples = np.concatenate(parts) if parts else _NOTHING
        self._given += len(samples)
        return samples
