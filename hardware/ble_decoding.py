"""What every codec of a wireless microphone offers: one frame to samples, or a clear no."""

from typing import Protocol

from hardware.audio import Samples
from models.errors import AudioError


class UndecodableError(AudioError):
    """A frame came and is no audio: garbage, or not of the agreed length."""

    code = "frame_undecodable"


class FrameDecoder(Protocol):
    """Turns frames into samples, in order."""

    @property
    def rate_hz(self) -> int:
        """Samples in a second of what `decode` gives."""

    @property
    def frame_samples(self) -> int:
        """Samples in a frame, at `rate_hz`: the length of one that is lost."""

    def decode(self, frame: bytes) -> Samples:
        """Decode one frame.

        Returns:
            Mono samples at `rate_hz`, shape (n,), full scale ±1.

        Raises:
            UndecodableError: it is garbage; the next frame may be good.
        """
