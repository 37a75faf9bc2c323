"""What every microphone and media file gives: mono float32 audio at 16 kHz in continuous time, with its gaps said."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 16_000
SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1000

FRAME_SAMPLES = 4096
"""Samples in a full frame: 256 ms, eight windows of the speech detector."""

Samples = npt.NDArray[np.float32]
"""Mono samples at 16 kHz, shape (n,), full scale ±1."""


DIRECTIONS = 72
"""Directions that an array looks in: one every 5°."""

Directions = npt.NDArray[np.float32]
"""Power that an array hears from each direction, shape (72,), linear and not normalised, so that frames can be added.

Bin k looks toward 5k degrees, counter-clockwise seen from above, from the array's own zero.
"""


class GapReason(StrEnum):
    """Why audio is missing."""

    DECODE_ERROR = "decode_error"
    OVERLOAD = "overload"
    DEVICE_LOST = "device_lost"
    LINK_LOST = "link_lost"
    REROUTED = "rerouted"
    """The system moved the stream to another microphone without being asked."""
    WRONG_RATE = "wrong_rate"
    """The device gives more or fewer samples a second than it was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioFrame:
    """A stretch of audio that arrived."""

    start_ms: int
    """Milliseconds since the source started."""
    samples: Samples
    directions: Directions | None = None
    """Where it came from; None from what is no array."""

    @property
    def end_ms(self) -> int:
        """Where the frame stops; a last fraction of a millisecond is not counted."""
        return self.start_ms + len(self.samples) // SAMPLES_PER_MS


@dataclass(frozen=True, slots=True)
class AudioGap:
    """A stretch of time whose audio is lost."""

    start_ms: int
    """Milliseconds since the source started."""
    end_ms: int
    reason: str
    """A GapReason, or another short lower_snake_case word of a source of its own."""


class AudioSource(Protocol):
    """Something that gives audio.

    Frames and gaps tile the time: each starts where the one before it ended, the first at 0.
    """

    @property
    def name(self) -> str:
        """What people call it: a file name, a device name."""

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        """Give audio until the source ends or is closed.

        Raises:
            AudioError: it cannot be opened, holds no audio, or was lost for good.
        """

    def close(self) -> None:
        """Stop giving audio and free the device or file; safe from another thread and more than once."""
