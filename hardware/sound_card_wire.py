"""What the process of a sound card says to ours through a pipe: heads of one size, each with a body."""

import struct
from dataclasses import dataclass
from enum import Enum

_HEAD = struct.Struct("<cIQQ")
HEAD_BYTES = _HEAD.size


class Kind(Enum):
    """What a body is."""

    AUDIO = b"A"
    """Interleaved samples."""
    SOURCE = b"S"
    """JSON: `hears` and `own`, the sound server's names of the source that the stream hears and that it should hear;
    said at the start and after each move."""
    FAILED = b"F"
    """JSON: `code` of an AudioError and `message`; nothing comes after it."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a body."""

    kind: Kind
    body_bytes: int
    first_sample: int = 0
    """Samples per channel that the device gave before this body, also those that had to be thrown away."""
    at_ns: int = 0
    """Monotonic nanoseconds when the last of its samples came."""

    def packed(self) -> bytes:
        """Return it as bytes."""
        return _HEAD.pack(self.kind.value, self.body_bytes, self.first_sample, self.at_ns)

    @classmethod
    def unpacked(cls, data: bytes) -> "Head":
        """Read it from `HEAD_BYTES` bytes.

        Raises:
            ValueError: they are no head.
        """
        kind, *numbers = _HEAD.unpack(data)
        return cls(Kind(kind), *numbers)
