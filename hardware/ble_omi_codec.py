"""The codecs an Omi may name, and their decoders.

Source: docs.omi.me/doc/developer/Protocol.md and the firmware's config.h. Older pages call codec 1 "PCM 8-bit"; the
firmware with that number sends 16-bit samples at 8 kHz, every second one of 16 kHz.
"""

from collections.abc import Callable

from hardware.ble_decoding import FrameDecoder
from hardware.ble_opus import OpusDecoder
from hardware.ble_pcm import PcmDecoder
from models.errors import AudioError

_DECODERS: dict[int, Callable[[], FrameDecoder]] = {
    0: lambda: PcmDecoder(rate_hz=16_000, frame_samples=160),
    1: lambda: PcmDecoder(rate_hz=8_000, frame_samples=80),
    20: lambda: OpusDecoder(frame_ms=10),
    21: lambda: OpusDecoder(frame_ms=20),
}


def decoder_for(codec: int) -> FrameDecoder:
    """Return a new decoder for a codec's number.

    Raises:
        AudioError: codec_unsupported.
    """
    try:
        return _DECODERS[codec]()
    except KeyError:
        raise AudioError(
            f"the microphone sends audio in the codec number {codec}, which is not supported",
            code="codec_unsupported",
            advice="Install the current Omi firmware: it sends Opus (20 or 21).",
        ) from None
