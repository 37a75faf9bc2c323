"""Raw Opus packets, one to a frame, by libopus in PyAV."""

import av
import numpy as np

from hardware.audio import Samples
from hardware.ble_decoding import UndecodableError

# Opus decodes to 48 kHz whatever was encoded (RFC 7845, 5.1).
_RATE_HZ = 48_000
# RFC 7845, 5.1: magic, version 1, 1 channel, no pre-skip, 16 kHz at the encoder, no gain, mapping family 0.
_OPUS_HEAD = b"OpusHead\x01\x01\x00\x00" + (16_000).to_bytes(4, "little") + b"\x00\x00\x00"


class OpusDecoder:
    """A FrameDecoder for Opus packets of one duration; gives 48 kHz.

    libopus is not asked to conceal: its binding in PyAV takes no lost packet.
    """

    rate_hz = _RATE_HZ

    def __init__(self, *, frame_ms: int) -> None:
        """Name the milliseconds in a packet; one of another duration is garbage."""
        self.frame_samples = frame_ms * _RATE_HZ // 1000
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.extradata = _OPUS_HEAD
        self._decoder.sample_rate = _RATE_HZ
        self._decoder.layout = "mono"

    def decode(self, frame: bytes) -> Samples:
        """Decode one packet; see FrameDecoder."""
        if not frame:
            raise UndecodableError("an Opus packet is empty")
        try:
            decoded = self._decoder.decode(av.Packet(frame))
        except av.error.FFmpegError as error:
            raise UndecodableError(f"an Opus packet is damaged: {error.strerror}") from error
        if sum(part.samples for part in decoded) != self.frame_samples:
            raise UndecodableError("an Opus packet does not have the duration of the others")
        return np.concatenate([_mono(part) for part in decoded])


def _mono(decoded: av.AudioFrame) -> Samples:
    samples = decoded.to_ndarray().reshape(-1)
    return samples.astype(np.float32) / np.float32(32_768)
