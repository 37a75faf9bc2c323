"""Plain 16-bit samples from a wireless microphone, little-endian and mono."""

import numpy as np

from hardware.audio import Samples
from hardware.ble_decoding import UndecodableError

_FULL_SCALE = 32_768


class PcmDecoder:
    """A FrameDecoder for PCM; a frame may have any length."""

    def __init__(self, *, rate_hz: int, frame_samples: int) -> None:
        """Name the rate, and the usual length of a frame in samples."""
        self.rate_hz = rate_hz
        self.frame_samples = frame_samples

    def decode(self, frame: bytes) -> Samples:
        """Decode one frame; see FrameDecoder."""
        if not frame or len(frame) % 2:
            raise UndecodableError(f"a PCM frame of {len(frame)} bytes holds no whole samples")
        return from_int16(np.frombuffer(frame, dtype="<i2"))


def from_int16(samples: "np.typing.NDArray[np.int16]") -> Samples:
    """Scale 16-bit samples, shape (n,), to ±1; exact."""
    return samples.astype(np.float32) / np.float32(_FULL_SCALE)
