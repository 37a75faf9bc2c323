"""What a network microphone says: one hello, then frames with a number and a time; pure.

A speaker (智能音箱, 对话机器人, any program) opens a WebSocket and sends a text message:

    {"type": "hello", "version": 1, "token": "…", "name": "lobby", "encoding": "pcm_s16le", "rate_hz": 16000,
     "channels": 1}

or, for raw Opus packets, `"encoding": "opus", "frame_ms": 20`. Then binary messages, each one frame, big-endian:

    u32 sequence    counts frames, from any number on; after 4,294,967,295 comes 0
    u64 time_us     when the first sample was captured, microseconds on the speaker's own clock, from any zero on
    payload         interleaved 16-bit little-endian samples, or one Opus packet

`docs/network-microphone.md` tells it to those who build speakers.
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from hardware.signals import Battery, Button, Press, Signal
from models.errors import AudioError
from models.noun import Name, Noun

_HEAD: Final = struct.Struct(">IQ")
_SEQUENCES: Final = 2**32
LONGEST_FRAME_MS: Final = 1000
# The longest packet that Opus can make (RFC 6716, 3.2.1: 1275 bytes a frame, at most 48 of them in 120 ms).
LONGEST_OPUS_BYTES: Final = 1275 * 48
# Time stamps are taken by programs, which are some ms late at times; a lost frame is noticed by its number.
_JITTER_US: Final = 50_000
MAX_FRAME_BYTES: Final = _HEAD.size + 2 * 8 * 96_000
"""One second of the widest and fastest audio that a hello may announce."""


class SpeakerError(AudioError):
    """A speaker said what this device does not take, or came when it cannot be heard.

    Codes: bad_hello, bad_frame, bad_message, speaker_busy, speaker_replaced, no_shift.
    """

    code = "bad_frame"


def no_shift() -> SpeakerError:
    """Return the error for a speaker that comes when nobody listens."""
    return SpeakerError("no shift has this microphone open", code="no_shift", permanent=False)


class Hello(Noun):
    """How a speaker introduces itself."""

    type: Literal["hello"]
    version: Literal[1]
    token: str = Field(max_length=200)
    name: Name = "speaker"
    encoding: Literal["pcm_s16le", "opus"]
    rate_hz: int = Field(default=16_000, ge=8_000, le=96_000)
    """Of PCM; Opus carries its own."""
    channels: int = Field(default=1, ge=1, le=8)
    """Of PCM, interleaved; they are averaged."""
    frame_ms: int = Field(default=20, ge=5, le=120)
    """Of Opus: milliseconds in each packet."""

    @model_validator(mode="after")
    def _opus_is_mono(self) -> Self:
        if self.encoding == "opus" and self.channels != 1:
            raise ValueError("Opus comes with one channel")
        return self


def hello_of(message: str) -> Hello:
    """Read the first message.

    Raises:
        SpeakerError: `bad_hello`, naming the field.
    """
    try:
        return Hello.model_validate_json(message)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "message"
        raise SpeakerError(f"{field}: {first['msg']}", code="bad_hello") from error


class _BatterySaid(Noun):
    type: Literal["battery"]
    percent: int = Field(ge=0, le=100)


class _ButtonSaid(Noun):
    type: Literal["button"]
    press: Press = Press.SINGLE


_SAID: Final[TypeAdapter[_BatterySaid | _ButtonSaid]] = TypeAdapter(_BatterySaid | _ButtonSaid)


def signal_of(message: str) -> Signal:
    """Read a later text message: `{"type": "battery", "percent": 80}` or `{"type": "button", "press": "single"}`.

    Raises:
        SpeakerError: `bad_message`, it is neither.
    """
    try:
        said = _SAID.validate_json(message)
    except ValidationError as error:
        raise SpeakerError("a text message is neither battery nor button", code="bad_message") from error
    return Battery(said.percent) if isinstance(said, _BatterySaid) else Button(said.press)


@dataclass(frozen=True, slots=True)
class WireFrame:
    """One binary message."""

    sequence: int
    time_us: int
    payload: bytes


def frame_of(message: bytes) -> WireFrame:
    """Read a binary message.

    Raises:
        SpeakerError: `bad_frame`, it holds no audio.
    """
    if len(message) <= _HEAD.size:
        raise SpeakerError(f"a frame of {len(message)} bytes holds no audio behind its {_HEAD.size} bytes of head")
    sequence, time_us = _HEAD.unpack_from(message)
    return WireFrame(sequence, time_us, message[_HEAD.size :])


def frame_bytes(frame: WireFrame) -> bytes:
    """Write a binary message; what `frame_of` reads."""
    return _HEAD.pack(frame.sequence, frame.time_us) + frame.payload


class FrameOrder:
    """Finds what is missing between the frames of one connection, by their numbers and times."""

    def __init__(self) -> None:
        self._next_sequence: int | None = None
        self._next_us = 0
        self._given_up_us = 0

    def give_up(self, us: int) -> None:
        """Take so much time as lost, although nothing came that would show it; what comes for it later is late."""
        if self._next_sequence is not None:
            self._given_up_us += us

    def take_what_comes(self) -> None:
        """Take what comes next as in time, whenever it was captured."""
        self._given_up_us, self._next_sequence = 0, None

    def missing_us(self, frame: WireFrame, *, duration_us: int) -> int | None:
        """Return how much is missing before a frame, microseconds; None for one that came before or comes too late.

        Args:
            frame: as it came.
            duration_us: of its audio.
        """
        step = 0 if self._next_sequence is None else (frame.sequence - self._next_sequence) % _SEQUENCES
        if step >= _SEQUENCES // 2:
            return None
        first = self._next_sequence is None
        self._next_sequence = (frame.sequence + 1) % _SEQUENCES
        ahead_us = 0 if first else frame.time_us - self._next_us
        # A clock that was set back is not late; it says nothing of how long the lost frames were either.
        if self._given_up_us and -_JITTER_US <= ahead_us < self._given_up_us - duration_us // 2:
            return None
        missing_us = max(ahead_us - self._given_up_us, 0)
        self._next_us, self._given_up_us = frame.time_us + duration_us, 0
        if step:
            return missing_us or step * duration_us * (ahead_us <= 0)
        return missing_us if missing_us > _JITTER_US else 0
