"""Raw Opus packets as a wearable would send them."""

import av
import numpy as np


def encode_opus(samples: np.ndarray, *, frame_ms: int) -> list[bytes]:
    """Encode 16-bit mono samples at 16 kHz, shape (n,), at 32 kbit/s, a packet each `frame_ms`."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 16_000, "mono", "s16", 32_000
    encoder.options = {"frame_duration": str(frame_ms), "application": "lowdelay"}
    encoder.open()
    packets, size = [], 16 * frame_ms
    for at in range(0, len(samples) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16_000, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets
