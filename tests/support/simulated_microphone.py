"""A microphone whose sound, pace and troubles a test decides; it stands where a device would, below everything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edge_agent.clock import Reading, read_clock
from hardware.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples
from hardware.media_file import MediaFileSource, Pace

FRAME_MS = FRAME_SAMPLES // SAMPLES_PER_MS


class FastClock:
    """Both clocks of a device, running so many times as fast as ours; the wall clock can be set."""

    def __init__(self, *, speed: float = 1.0, began_ns: int | None = None) -> None:
        """Run from a moment of the machine's monotonic clock, which may be that of another program."""
        self._speed = speed
        now = read_clock()
        began_ms = now.monotonic_ms if began_ns is None else began_ns // 1_000_000
        self._began = Reading(wall_ms=now.wall_ms - (now.monotonic_ms - began_ms), monotonic_ms=began_ms)
        self._set_ms = 0
        self._held: Reading | None = None

    def read(self) -> Reading:
        """Read both clocks."""
        held = self._held
        if held is not None:
            return held
        elapsed_ms = round((read_clock().monotonic_ms - self._began.monotonic_ms) * self._speed)
        return Reading(
            wall_ms=self._began.wall_ms + self._set_ms + elapsed_ms, monotonic_ms=self._began.monotonic_ms + elapsed_ms
        )

    @contextmanager
    def held(self) -> Iterator[Reading]:
        """Let both clocks stand still while something is asked for, so that it has one moment, and jump afterwards."""
        self._held = self.read()
        try:
            yield self._held
        finally:
            self._held = None

    def set(self, *, by_ms: int) -> None:
        """Set the wall clock; the monotonic one is never set."""
        self._set_ms += by_ms

    def wait_until(self, monotonic_ms: int, stop: threading.Event) -> bool:
        """Wait for a time by the fast monotonic clock; return whether to stop."""
        left_ms = monotonic_ms - self.read().monotonic_ms
        return stop.wait(max(0.0, left_ms / 1000 / self._speed))


class SimulatedMicrophone:
    """Gives a sound over and over, a frame when it is due; unplugged it says so in gaps, frozen it says nothing."""

    name = "simulated"

    def __init__(self, sound: Samples, *, clock: FastClock | None = None) -> None:
        self._sound = sound
        self._clock = clock or FastClock()
        self._closed = threading.Event()
        self.unplugged = threading.Event()
        self.frozen = threading.Event()

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give what it hears until it is closed."""
        zero_ms = self._clock.read().monotonic_ms
        at_ms = 0
        while not self._clock.wait_until(zero_ms + at_ms + FRAME_MS, self._closed):
            if self.frozen.is_set():
                continue
            if self.unplugged.is_set():
                until_ms = max(at_ms + FRAME_MS, self._clock.read().monotonic_ms - zero_ms)
                yield AudioGap(start_ms=at_ms, end_ms=until_ms, reason=GapReason.DEVICE_LOST)
                at_ms = until_ms
            else:
                yield AudioFrame(start_ms=at_ms, samples=self._at(at_ms))
                at_ms += FRAME_MS

    def close(self) -> None:
        """End it."""
        self._closed.set()

    def _at(self, at_ms: int) -> Samples:
        first = at_ms * SAMPLES_PER_MS
        return np.take(self._sound, range(first, first + FRAME_SAMPLES), mode="wrap")


def spoken(path: Path, *, seconds: float) -> Samples:
    """Return the first seconds of a recording."""
    frames = [item.samples for item in MediaFileSource(path, pace=Pace.FAST).frames() if isinstance(item, AudioFrame)]
    return np.concatenate(frames)[: round(seconds * SAMPLE_RATE_HZ)]


def still(*, seconds: float) -> Samples:
    """Return the hiss of a quiet room."""
    return np.random.default_rng(3).normal(0, 1e-4, round(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
