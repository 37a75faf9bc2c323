"""Audio of an ATVV remote (Google Voice over BLE) to samples: pure.

Version 0.4 puts `u16be sequence, u8 remote, s16be predictor, u8 index` before the nibbles of each frame. Version 1.0
sends nibbles alone; AUDIO_SYNC tells the number of the next frame and where its coder stands.
No device has confirmed the order of the nibbles; open implementations send the high one first, and so it is read here.
"""

import struct
from collections.abc import Iterator

from hardware import ble_adpcm
from hardware.ble_adpcm import LARGEST_INDEX, AdpcmState, Int16
from hardware.ble_frames import LostFrames

HEADER_04 = struct.Struct(">HBhB")
_NUMBERS = 65_536
_FARTHEST_JUMP = _NUMBERS // 2


class Atvv04Frames:
    """Version 0.4: frames in pieces, each frame by itself decodable."""

    def __init__(self, *, frame_bytes: int) -> None:
        """Name the bytes of a frame with its header, as the remote's capabilities tell them."""
        self._frame_bytes = frame_bytes
        self._held = b""
        self._piece_bytes = 0
        self._next: int | None = None

    @property
    def frame_samples(self) -> int:
        """Samples in a frame."""
        return 2 * (self._frame_bytes - HEADER_04.size)

    def push(self, piece: bytes) -> Iterator[Int16 | LostFrames]:
        """Take one notification; give the samples of the frame that it completes, and losses in their place.

        Pieces carry no number: one shorter than the others ends a frame, one that is too much begins the next. A frame
        that is then not of its length is dropped, and the next sequence tells that it is missing.
        """
        self._piece_bytes = max(self._piece_bytes, len(piece))
        fits = len(self._held) + len(piece) <= self._frame_bytes
        self._held = self._held + piece if fits else piece
        if len(self._held) == self._frame_bytes:
            yield from self._decode(self._held)
            self._held = b""
        elif len(piece) < self._piece_bytes:
            self._held = b""

    def restart(self) -> None:
        """The remote begins a new stream."""
        self._held = b""
        self._next = None

    def _decode(self, frame: bytes) -> Iterator[Int16 | LostFrames]:
        sequence, _remote, predictor, index = HEADER_04.unpack_from(frame)
        if index > LARGEST_INDEX:
            return
        if self._next is not None and (missing := _missing(sequence, self._next)):
            yield LostFrames(missing)
        self._next = (sequence + 1) % _NUMBERS
        samples, _ = ble_adpcm.decode(frame[HEADER_04.size :], AdpcmState(predictor, index))
        yield samples


class Atvv10Frames:
    """Version 1.0: nibbles without headers; what is lost is known at the next AUDIO_SYNC."""

    def __init__(self, *, frame_bytes: int) -> None:
        """Name the bytes of a frame, as the remote's capabilities tell them."""
        self._frame_bytes = frame_bytes
        self._held = b""
        self._next = 0
        self._state = AdpcmState()

    @property
    def frame_samples(self) -> int:
        """Samples in a frame."""
        return 2 * self._frame_bytes

    def push(self, piece: bytes) -> Iterator[Int16 | LostFrames]:
        """Take one notification; give the samples of the frames that it completes."""
        self._held += piece
        while len(self._held) >= self._frame_bytes:
            frame, self._held = self._held[: self._frame_bytes], self._held[self._frame_bytes :]
            samples, self._state = ble_adpcm.decode(frame, self._state)
            self._next = (self._next + 1) % _NUMBERS
            yield samples

    def sync(self, *, number: int, predictor: int, index: int) -> Iterator[LostFrames]:
        """Take an AUDIO_SYNC: the next frame's number and its coder's state; one that no coder can have is ignored."""
        if index > LARGEST_INDEX:
            return
        self._held = b""
        if missing := _missing(number, self._next):
            yield LostFrames(missing)
        self._next = number
        self._state = AdpcmState(predictor, index)

    def restart(self) -> None:
        """The remote begins a new stream: frame 0, and a coder at rest."""
        self._held = b""
        self._next = 0
        self._state = AdpcmState()


def _missing(number: int, expected: int) -> int:
    """Frames between; a jump of more than half the numbers is a remote that counts anew."""
    ahead = (number - expected) % _NUMBERS
    return ahead if ahead < _FARTHEST_JUMP else 0
