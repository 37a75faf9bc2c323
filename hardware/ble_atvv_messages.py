"""What a host and an ATVV remote say to each other besides audio (Google Voice over BLE 0.4 and 1.0): pure."""

import struct
from dataclasses import dataclass

from hardware.audio import SAMPLE_RATE_HZ

ADPCM_8K, ADPCM_16K = 1, 2
"""Codecs, as bits in what a remote can and as numbers in what it does."""

ANY_STREAM = 0xFF
_GET_CAPS, _MIC_OPEN, _MIC_CLOSE, _MIC_EXTEND = 0x0A, 0x0C, 0x0D, 0x0E
_VERSION_10 = 0x0100
_CAPS_04 = struct.Struct(">HHHH")
_CAPS_10 = struct.Struct(">HBBH")
_SYNC_10 = struct.Struct(">BHhB")

STOP, START, SEARCH, SYNC, CAPS, OPEN_ERROR = 0x00, 0x04, 0x08, 0x0A, 0x0B, 0x0C
"""The first byte of what a remote says."""

GET_CAPS = bytes([_GET_CAPS, 0x01, 0x00, 0x00, ADPCM_8K | ADPCM_16K, 0x03])
"""We speak 1.0, take both rates, and let the remote choose when its button opens the microphone."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a remote can do."""

    headerless: bool
    """Version 1.0 or later: frames have no headers, AUDIO_SYNC stands for them."""
    codecs: int
    frame_bytes: int

    @property
    def best_codec(self) -> int:
        """The codec to ask for."""
        return ADPCM_16K if self.codecs & ADPCM_16K else ADPCM_8K

    def mic_open(self) -> bytes:
        """Ask it to send."""
        if self.headerless:
            return bytes([_MIC_OPEN, 0x00])
        return bytes([_MIC_OPEN]) + self.best_codec.to_bytes(2, "big")

    def mic_close(self) -> bytes:
        """Ask it to stop."""
        return bytes([_MIC_CLOSE, ANY_STREAM] if self.headerless else [_MIC_CLOSE])

    def keep_alive(self, stream: int) -> bytes | None:
        """Ask it to go on beyond its time limit; None in 0.4, where a microphone that closed is opened anew."""
        return bytes([_MIC_EXTEND, stream]) if self.headerless else None


@dataclass(frozen=True, slots=True)
class Sync:
    """The next frame's number and where its coder stands."""

    number: int
    predictor: int
    index: int


def rate_hz(codec: int) -> int:
    """Return the samples in a second of a codec."""
    return SAMPLE_RATE_HZ if codec == ADPCM_16K else SAMPLE_RATE_HZ // 2


def parse_capabilities(message: bytes) -> Capabilities:
    """Read the answer to GET_CAPS.

    Raises:
        ValueError: it is too short, or tells of frames of nothing.
    """
    body = message[1:]
    if len(body) < 2:
        raise ValueError("the remote's capabilities are empty")
    headerless = int.from_bytes(body[:2], "big") >= _VERSION_10
    layout = _CAPS_10 if headerless else _CAPS_04
    if len(body) < layout.size:
        raise ValueError(f"the remote's capabilities have {len(body)} bytes, not {layout.size}")
    if headerless:
        _version, codecs, _model, frame_bytes = _CAPS_10.unpack_from(body)
    else:
        _version, codecs, frame_bytes, _piece_bytes = _CAPS_04.unpack_from(body)
    if frame_bytes <= (0 if headerless else 6):
        raise ValueError(f"the remote tells of frames of {frame_bytes} bytes")
    return Capabilities(headerless=headerless, codecs=codecs, frame_bytes=frame_bytes)


def parse_sync(message: bytes) -> Sync | None:
    """Read an AUDIO_SYNC of version 1.0; None for one that is shorter, as in 0.4, where headers say it all."""
    if len(message) < 1 + _SYNC_10.size:
        return None
    _codec, number, predictor, index = _SYNC_10.unpack_from(message, 1)
    return Sync(number=number, predictor=predictor, index=index)
