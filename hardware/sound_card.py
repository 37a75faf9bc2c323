"""A microphone that the operating system knows: a sound card, or a classic Bluetooth headset."""

from collections.abc import Iterator

import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, SAMPLES_PER_MS, AudioFrame, AudioGap, Samples
from hardware.sound_card_capture import RawBlock, RawCapture

_FULL_SCALE = 32_768


class SoundCardSource:
    """A sound card as an AudioSource; 16 kHz mono, converted by the system where the card cannot."""

    def __init__(self, device: str | None = None) -> None:
        """Name a device as RawCapture takes it, or None for the system's default."""
        self._capture = RawCapture(device, rate_hz=SAMPLE_RATE_HZ, convert=True)

    @property
    def name(self) -> str:
        """The device as it was asked for."""
        return self._capture.device or "default microphone"

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio from now until `close`; once.

        Raises:
            AudioError: as RawCapture.
        """
        now_ms = 0
        rest: Samples = np.zeros(0, dtype=np.float32)
        for item in self._capture.blocks():
            if isinstance(item, RawBlock):
                samples = np.concatenate([rest, item.samples[:, 0].astype(np.float32) / _FULL_SCALE])
                whole = len(samples) - len(samples) % SAMPLES_PER_MS
                rest = samples[whole:]
                if whole:
                    frame = AudioFrame(start_ms=now_ms, samples=samples[:whole])
                    now_ms = frame.end_ms
                    yield frame
            else:
                # Less than a millisecond that was left of the audio falls into the gap.
                rest = rest[:0]
                yield AudioGap(start_ms=now_ms, end_ms=item.end_ms, reason=item.reason)
                now_ms = item.end_ms

    def close(self) -> None:
        """End `frames` after what was captured so far; takes 2 s at most."""
        self._capture.close()
