"""An ATVV remote is heard over a real GATT connection, in both versions of its protocol."""

import struct

import numpy as np
import pytest
from bumble.gatt import Characteristic

from hardware import ble_adpcm
from hardware.ble_adpcm import AdpcmState
from hardware.ble_atvv import AtvvSource
from hardware.ble_source import Persistence
from hardware.ble_timeline import Tolerance
from hardware.signals import Button, Link, Press, Signal
from models.errors import AudioError
from support.bleak_over_bumble import radio_over
from support.listening_in import ListeningIn
from support.virtual_air import Air
from support.virtual_atvv import VirtualAtvv

PATIENT = Tolerance(stalled_ms=60_000, behind_ms=60_000, ahead_ms=60_000)
SOON = Persistence(first_wait_s=0.05, longest_wait_s=0.2)

NIBBLES = 128
CAPS_04 = b"\x0b" + struct.pack(">HHHH", 0x0004, 0x0003, NIBBLES + 6, 20)
CAPS_10 = b"\x0b" + struct.pack(">HBBHBB", 0x0100, 0x03, 0x00, NIBBLES, 0, 0)
CAPS_10_ONLY_8K = b"\x0b" + struct.pack(">HBBHBB", 0x0100, 0x01, 0x00, NIBBLES, 0, 0)

voice = np.random.default_rng(11).integers(-9000, 9000, size=2 * NIBBLES * 60).astype(np.int16)
Sent = list[tuple[Characteristic, bytes]]


def coded(count: int) -> tuple[list[bytes], list[AdpcmState], np.ndarray]:
    """Nibbles of so many frames, the state before each, and what decoding gives."""
    state, frames, states, decoded = AdpcmState(), [], [], []
    for at in range(count):
        states.append(state)
        nibbles, after = ble_adpcm.encode(voice[2 * NIBBLES * at : 2 * NIBBLES * (at + 1)], state)
        decoded.append(ble_adpcm.decode(nibbles, state)[0])
        frames.append(nibbles)
        state = after
    return frames, states, np.concatenate(decoded)


def in_04(remote: VirtualAtvv, count: int, *, first: int) -> Sent:
    """Frames with headers, in pieces of 20 bytes."""
    frames, states, _ = coded(count)
    sent = []
    for at, (nibbles, state) in enumerate(zip(frames, states, strict=True)):
        frame = struct.pack(">HBhB", (first + at) % 65_536, 0, state.predictor, state.index) + nibbles
        sent += [(remote.audio, frame[piece : piece + 20]) for piece in range(0, len(frame), 20)]
    return sent


def in_10(remote: VirtualAtvv, count: int, *, lost: frozenset[int] = frozenset()) -> Sent:
    """Frames without headers; a sync stands before the first, and before each that follows a loss."""
    frames, states, _ = coded(count)
    sent = []
    for number, (nibbles, state) in enumerate(zip(frames, states, strict=True)):
        if number in lost:
            continue
        if number == 0 or number - 1 in lost:
            sent.append((remote.control, struct.pack(">BBHhB", 0x0A, 2, number, state.predictor, state.index)))
        sent.append((remote.audio, nibbles))
    return sent


def listening(air: Air, remote: VirtualAtvv) -> ListeningIn:
    signals: list[Signal] = []
    source = AtvvSource(
        remote.address, on_signal=signals.append, radio=radio_over(air), tolerance=PATIENT, persistence=SOON
    )
    return ListeningIn(source, signals)


def as_int16(samples: np.ndarray) -> np.ndarray:
    return (samples * 32_768).astype(np.int16)


def test_version_04_arrives_sample_for_sample_across_the_wrap(air: Air) -> None:
    """Frames of 134 bytes in pieces of 20, sequence from 65,520 on; the microphone is opened at 16 kHz and closed."""
    remote = VirtualAtvv(air, capabilities=CAPS_04)
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.speak(in_04(remote, 40, first=65_520), pace_s=0.002)
        heard.wait(lambda: heard.source.counts.heard >= 40)
    assert np.array_equal(as_int16(heard.samples), coded(40)[2])
    assert remote.commands[1] == b"\x0c\x00\x02"
    assert remote.commands[-1] == b"\x0d"


def test_version_10_arrives_sample_for_sample(air: Air) -> None:
    """Without headers; closed for any stream at the end."""
    remote = VirtualAtvv(air, capabilities=CAPS_10)
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.speak(in_10(remote, 40), pace_s=0.01)
        heard.wait(lambda: heard.source.counts.heard >= 40)
    assert np.array_equal(as_int16(heard.samples), coded(40)[2])
    assert remote.commands[-1] == b"\x0d\xff"


def test_a_loss_in_version_10_is_silence_until_the_sync(air: Air) -> None:
    """Frames 10 and 11 are lost: 32 ms of silence, counted; all else exact."""
    remote = VirtualAtvv(air, capabilities=CAPS_10)
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.speak(in_10(remote, 40, lost=frozenset({10, 11})), pace_s=0.01)
        heard.wait(lambda: heard.source.counts.heard >= 38)
    expected = coded(40)[2].copy()
    expected[2 * NIBBLES * 10 : 2 * NIBBLES * 12] = 0
    assert np.array_equal(as_int16(heard.samples), expected)
    assert (heard.source.counts.lost, heard.source.counts.concealed) == (2, 2)


def test_a_remote_with_8_khz_fills_the_same_time(air: Air) -> None:
    """The start names the codec: a frame is 32 ms instead of 16."""
    remote = VirtualAtvv(air, capabilities=CAPS_10_ONLY_8K, codec=1)
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.speak(in_10(remote, 20), pace_s=0.01)
        heard.wait(lambda: heard.source.counts.heard >= 20)
    assert len(heard.samples) == 20 * 32 * 16


def test_a_remote_that_stops_or_refuses_is_opened_again(air: Air) -> None:
    """It closed by itself, and then refused once: the time in between is a gap, what follows is exact."""
    remote = VirtualAtvv(air, capabilities=CAPS_10)
    remote.refuses = 1
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.speak(in_10(remote, 20), pace_s=0.01)
        heard.wait(lambda: heard.source.counts.heard >= 20)
        remote.notify(remote.control, b"\x00\x08")
        remote.wait_open(2)
        remote.speak(in_10(remote, 20), pace_s=0.01)
        heard.wait(lambda: heard.source.counts.heard >= 40)
    assert np.array_equal(as_int16(heard.samples), np.tile(coded(20)[2], 2))
    assert len(heard.gaps) >= 2


def test_the_voice_button_is_told_and_opens_at_once(air: Air) -> None:
    """START_SEARCH is what the button sends."""
    remote = VirtualAtvv(air, capabilities=CAPS_04)
    with listening(air, remote) as heard:
        remote.wait_open()
        remote.notify(remote.control, b"\x08")
        heard.wait(lambda: Button(Press.SINGLE) in heard.signals)
    assert Link(connected=True, reason="", encrypted=False) in heard.signals


def test_a_broken_link_comes_back(air: Air) -> None:
    """In the middle of a frame: its pieces are forgotten, the next stream is exact."""
    remote = VirtualAtvv(air, capabilities=CAPS_04)
    with listening(air, remote) as heard:
        remote.wait_open()
        sent = in_04(remote, 20, first=0)
        remote.speak([*sent, sent[0], sent[1]], pace_s=0.002)
        heard.wait(lambda: heard.source.counts.heard >= 20)
        remote.drop()
        remote.wait_open(2)
        remote.speak(sent, pace_s=0.002)
        heard.wait(lambda: heard.source.counts.heard >= 40)
    assert np.array_equal(as_int16(heard.samples), np.tile(coded(20)[2], 2))


@pytest.mark.parametrize("capabilities", [b"\x0b", b"\x0b\x01\x00\x03", b"\x0b" + struct.pack(">HHHH", 4, 3, 6, 20)])
def test_capabilities_that_make_no_sense_are_an_error(air: Air, capabilities: bytes) -> None:
    """Too short, or frames without audio: said, for good."""
    remote = VirtualAtvv(air, capabilities=capabilities)
    with listening(air, remote) as heard:
        heard.join()
    assert isinstance(heard.error, AudioError)
    assert heard.error.code == "codec_unsupported"
