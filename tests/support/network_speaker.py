"""What a network speaker sends: tones as PCM or Opus, in numbered frames."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt

from hardware.audio import AudioFrame, AudioGap, AudioSource
from hardware.network_frames import WireFrame, frame_bytes

Pcm = npt.NDArray[np.int16]


def tone(seconds: float, *, rate_hz: int = 16_000, hz: float = 440.0) -> Pcm:
    """Return a tone of 16-bit samples at a quarter of full scale."""
    return (np.sin(np.arange(round(seconds * rate_hz)) / rate_hz * 2 * np.pi * hz) * 8000).astype(np.int16)


def pcm_messages(samples: Pcm, *, rate_hz: int = 16_000, frame_ms: int = 20, first: int = 0) -> list[bytes]:
    """Cut samples, shape (n,) or (n, channels), into numbered frames."""
    step = rate_hz * frame_ms // 1000
    return [
        frame_bytes(
            WireFrame(
                (first + n) % 2**32, (first + n) * frame_ms * 1000, samples[at : at + step].astype("<i2").tobytes()
            )
        )
        for n, at in enumerate(range(0, len(samples), step))
    ]


def opus_packets(samples: Pcm) -> list[bytes]:
    """Encode mono samples at 16 kHz to Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "s16"
    encoder.open()
    packets: list[bytes] = []
    for at in range(0, len(samples) - len(samples) % 320, 320):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + 320], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16_000, at
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


@dataclass
class Heard:
    """What a source has given so far."""

    items: list[AudioFrame | AudioGap] = field(default_factory=list)

    @property
    def gaps(self) -> list[AudioGap]:
        """The gaps."""
        return [item for item in self.items if isinstance(item, AudioGap)]

    def lost_ms(self, *reasons: str) -> int:
        """Return how long gaps are, of these reasons or of any."""
        return sum(gap.end_ms - gap.start_ms for gap in self.gaps if not reasons or gap.reason in reasons)

    def samples(self) -> Pcm:
        """Return all audio in 16 bits, gaps left out."""
        parts: Sequence[np.ndarray] = [item.samples for item in self.items if isinstance(item, AudioFrame)]
        return np.round(np.concatenate(parts) * 32768).astype(np.int16) if parts else np.zeros(0, dtype=np.int16)

    def check_tiled(self) -> None:
        """Fail where frames and gaps do not follow each other without a hole."""
        at_ms = 0
        for item in self.items:
            assert item.start_ms == at_ms
            at_ms = item.end_ms


@contextmanager
def listening(source: AudioSource) -> Iterator[Heard]:
    """Read a source in a thread; it is closed and read to its end when the block is left."""
    heard = Heard()

    def read() -> None:
        for item in source.frames():
            heard.items.append(item)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield heard
    finally:
        source.close()
        reader.join()
        heard.check_tiled()
