"""The payload of a network microphone's frames to mono samples at 16 kHz."""

from typing import Final, Protocol

import av
import numpy as np

from hardware.audio import SAMPLE_RATE_HZ, Samples
from hardware.ble_decoding import UndecodableError
from hardware.ble_opus import OpusDecoder
from hardware.ble_pcm import from_int16
from hardware.network_frames import LONGEST_FRAME_MS, LONGEST_OPUS_BYTES, Hello, SpeakerError

# A speaker whose frames are garbage for a second is no speaker; a single damaged packet is the network's fault.
_GARBAGE_IN_A_ROW: Final = 50


class PayloadDecoder(Protocol):
    """Turns payloads into samples, in order."""

    def duration_us(self, payload: bytes) -> int:
        """Return how long a payload lasts, microseconds.

        Raises:
            SpeakerError: `bad_frame`, it is not of the announced shape.
        """

    def decode(self, payload: bytes) -> Samples:
        """Return its samples, mono at 16 kHz; a resampler's filter may hold some of them back for the next one.

        Raises:
            UndecodableError: it is damaged; the next one may be good.
            SpeakerError: `bad_frame`, nothing has been audio for long.
        """


def decoder_for(hello: Hello) -> PayloadDecoder:
    """Return a new decoder for what a hello announced."""
    if hello.encoding == "opus":
        return _OpusPayloads(frame_ms=hello.frame_ms)
    return _PcmPayloads(rate_hz=hello.rate_hz, channels=hello.channels)


class _Resampler:
    """Mono samples of any rate to 16 kHz; of 16 kHz exactly as they are."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)

    def push(self, samples: Samples) -> Samples:
        if self._rate_hz == SAMPLE_RATE_HZ:
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="flt", layout="mono")
        frame.sample_rate = self._rate_hz
        parts = [part.to_ndarray().reshape(-1) for part in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)


class _PcmPayloads:
    def __init__(self, *, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._resampler = _Resampler(rate_hz)

    def duration_us(self, payload: bytes) -> int:
        samples, rest = divmod(len(payload), 2 * self._channels)
        if rest or samples > self._rate_hz * LONGEST_FRAME_MS // 1000:
            raise SpeakerError(
                f"a frame of {len(payload)} bytes is not whole samples of {self._channels} channels, at most 1 s"
            )
        return samples * 1_000_000 // self._rate_hz

    def decode(self, payload: bytes) -> Samples:
        samples = from_int16(np.frombuffer(payload, dtype="<i2"))
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1, dtype=np.float32)
        return self._resampler.push(samples)


class _OpusPayloads:
    def __init__(self, *, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._decoder = OpusDecoder(frame_ms=frame_ms)
        self._resampler = _Resampler(self._decoder.rate_hz)
        self._garbage = 0

    def duration_us(self, payload: bytes) -> int:
        if len(payload) > LONGEST_OPUS_BYTES:
            raise SpeakerError(f"{len(payload)} bytes are more than any Opus packet has")
        return self._frame_ms * 1000

    def decode(self, payload: bytes) -> Samples:
        try:
            samples = self._resampler.push(self._decoder.decode(payload))
        except UndecodableError as error:
            self._garbage += 1
            if self._garbage >= _GARBAGE_IN_A_ROW:
                raise SpeakerError(f"{self._garbage} frames in a row are no Opus of {self._frame_ms} ms") from error
            raise
        self._garbage = 0
        return samples
