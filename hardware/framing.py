"""Samples in any number to frames of one size, in continuous time."""

from collections.abc import Iterator

import numpy as np

from hardware.audio import FRAME_SAMPLES, SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples


class FrameCutter:
    """Cuts a stream of samples into full frames and keeps the time."""

    def __init__(self, *, start_ms: int = 0, frame_samples: int = FRAME_SAMPLES) -> None:
        """Start at `start_ms`; a full frame is `frame_samples` long, a whole number of milliseconds."""
        self._start_ms = start_ms
        self._frame_samples = frame_samples
        self._held: list[Samples] = []
        self._held_samples = 0

    @property
    def position_ms(self) -> int:
        """The time of the next sample, rounded down."""
        return self._start_ms + self._held_samples // SAMPLES_PER_MS

    def push(self, samples: Samples) -> Iterator[AudioFrame]:
        """Take samples of any number; give the frames that are full."""
        self._held.append(samples)
        self._held_samples += len(samples)
        if self._held_samples < self._frame_samples:
            return
        joined = np.concatenate(self._held)
        whole = len(joined) - len(joined) % self._frame_samples
        for at in range(0, whole, self._frame_samples):
            yield self._frame(joined[at : at + self._frame_samples])
        self._held = [joined[whole:]]
        self._held_samples = len(joined) - whole

    def flush(self) -> Iterator[AudioFrame]:
        """Give what is held as a shorter frame, filled up to a whole millisecond."""
        if self._held_samples:
            joined = np.concatenate(self._held)
            yield self._frame(np.pad(joined, (0, -len(joined) % SAMPLES_PER_MS)))
        self._held = []
        self._held_samples = 0

    def skip(self, gap_ms: int, *, reason: GapReason = GapReason.DECODE_ERROR) -> AudioGap:
        """Let time pass without audio; only after `flush`."""
        gap = AudioGap(start_ms=self._start_ms, end_ms=self._start_ms + gap_ms, reason=reason)
        self._start_ms = gap.end_ms
        return gap

    def _frame(self, samples: Samples) -> AudioFrame:
        frame = AudioFrame(start_ms=self._start_ms, samples=samples)
        self._start_ms = frame.end_ms
        return frame
