"""A microphone array as an AudioSource: one beam, and where each part of it came from."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from hardware.array_profile import ArrayProfile
from hardware.array_stream import ArrayStream, Beam, MultiChannel
from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, Samples
from hardware.signals import OnSignal, Trouble
from hardware.sound_card_capture import RawBlock, RawSamples
from models.errors import AudioError

_FULL_SCALE = 32_768


class RawSource(Protocol):
    """All channels of a device as they come, as RawCapture gives them."""

    def blocks(self) -> Iterator[RawBlock | AudioGap]:
        """Give audio until the device ends or is closed."""

    def close(self) -> None:
        """End `blocks`."""


class ArraySource:
    """An array as an AudioSource; mono at 16 kHz with `AudioFrame.directions`, 80 ms behind the microphones at most."""

    def __init__(
        self,
        raw: RawSource,
        profile: ArrayProfile,
        *,
        name: str | None = None,
        on_signal: OnSignal = lambda signal: None,
    ) -> None:
        """Listen through `raw`, which gives all channels of `profile` at its rate.

        `on_signal` is told of Trouble (array_microphone_deaf), in the thread that reads `frames`.
        """
        self._raw = raw
        self._profile = profile
        self._name = name or profile.title
        self._on_signal = on_signal
        self._deaf_channels: tuple[int, ...] = ()
        self._stream = ArrayStream(profile)

    @property
    def name(self) -> str:
        """The device, or what kind of array it is."""
        return self._name

    def look_toward(self, *sides_deg: float | None) -> None:
        """Listen to these sides from now on, as ArrayStream.look_toward; safe from another thread."""
        self._stream.look_toward(*sides_deg)

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio from now until `close`; once.

        Raises:
            AudioError: array_wrong_channels, when the device does not give what the profile says; as `raw`.
        """
        clock = _Clock()
        try:
            for item in self._raw.blocks():
                if isinstance(item, RawBlock):
                    yield from clock.stamped(self._stream.push(self._full_scale(item.samples)))
                    self._say(self._stream.deaf_channels)
                else:
                    yield from clock.stamped(self._stream.flush())
                    yield from clock.skip(item)
            yield from clock.stamped(self._stream.flush())
        finally:
            self._say(())

    def close(self) -> None:
        """End `frames` after what was captured so far."""
        self._raw.close()

    def _say(self, deaf_channels: tuple[int, ...]) -> None:
        if deaf_channels != self._deaf_channels:
            self._deaf_channels = deaf_channels
            self._on_signal(_trouble(deaf_channels))

    def _full_scale(self, raw: RawSamples) -> MultiChannel:
        if raw.ndim != 2 or raw.shape[1] != self._profile.channels:
            given = raw.shape[1] if raw.ndim == 2 else 1
            raise AudioError(
                f"{self.name} gives {given} channels, its profile says {self._profile.channels}",
                code="array_wrong_channels",
                advice="Install the device's firmware with raw channels, or choose the profile that fits it.",
            )
        scale = _FULL_SCALE if raw.dtype == np.int16 else 1
        return raw.astype(np.float32) / np.float32(scale)


def _trouble(deaf_channels: tuple[int, ...]) -> Trouble:
    if not deaf_channels:
        return Trouble("", "")
    listed = ", ".join(map(str, deaf_channels))
    advice = f"Uncover the array, or install its firmware with raw channels: channel {listed} hears nothing."
    return Trouble("array_microphone_deaf", advice)


class _Clock:
    """Beams to frames of whole milliseconds in continuous time."""

    def __init__(self) -> None:
        self._now_ms = 0
        self._rest: Samples = np.zeros(0, dtype=np.float32)

    def stamped(self, beams: Iterator[Beam]) -> Iterator[AudioFrame]:
        """Give each beam its time."""
        for beam in beams:
            samples = np.concatenate([self._rest, beam.samples])
            whole = len(samples) - len(samples) % SAMPLES_PER_MS
            self._rest = samples[whole:]
            if whole:
                frame = AudioFrame(start_ms=self._now_ms, samples=samples[:whole], directions=beam.directions)
                self._now_ms = frame.end_ms
                yield frame

    def skip(self, gap: AudioGap) -> Iterator[AudioGap]:
        """Let the rest of a millisecond and the gap's time pass without audio."""
        self._rest = self._rest[:0]
        if gap.end_ms > self._now_ms:
            yield AudioGap(start_ms=self._now_ms, end_ms=gap.end_ms, reason=gap.reason)
            self._now_ms = gap.end_ms
