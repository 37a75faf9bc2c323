"""Claims about what network microphones say: hello, frames, numbers and times."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.network_frames import FrameOrder, SpeakerError, WireFrame, frame_bytes, frame_of, hello_of, signal_of
from hardware.signals import Battery, Button, Press

HELLO = {"type": "hello", "version": 1, "token": "t", "encoding": "pcm_s16le"}
FRAME_US = 20_000


def frames(count: int, *, sequence: int = 0, time_us: int = 0) -> list[WireFrame]:
    """Return frames of 20 ms in order."""
    return [WireFrame((sequence + n) % 2**32, time_us + n * FRAME_US, b"\0\0") for n in range(count)]


def missing(order: FrameOrder, said: list[WireFrame]) -> list[int | None]:
    """Return what is missing before each."""
    return [order.missing_us(frame, duration_us=FRAME_US) for frame in said]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.binary(min_size=1))
def test_a_frame_reads_as_it_was_written(sequence: int, time_us: int, payload: bytes) -> None:
    """Number, time and payload come through whatever they are."""
    frame = WireFrame(sequence, time_us, payload)
    assert frame_of(frame_bytes(frame)) == frame


@given(st.binary(max_size=12))
def test_a_frame_without_audio_is_refused(message: bytes) -> None:
    """A message no longer than its head has no payload."""
    with pytest.raises(SpeakerError) as refused:
        frame_of(message)
    assert refused.value.code == "bad_frame"


@given(st.sets(st.integers(1, 200)), st.integers(0, 2**32 - 1), st.integers(0, 2**60))
def test_lost_frames_are_missing_for_as_long_as_they_were(lost: set[int], first: int, zero_us: int) -> None:
    """Whatever frames are lost, at whatever number and time, also across the wrap: what is missing is their time."""
    said = [frame for n, frame in enumerate(frames(202, sequence=first, time_us=zero_us)) if n not in lost]
    assert sum(gap or 0 for gap in missing(FrameOrder(), said)) == len(lost) * FRAME_US


def test_frames_that_come_twice_or_back_are_dropped() -> None:
    """A number that was there already is never taken again."""
    said = frames(4)
    assert missing(FrameOrder(), [said[0], said[1], said[1], said[0], said[2], said[3]]) == [0, 0, None, None, 0, 0]


def test_time_that_passes_without_a_number_is_missing() -> None:
    """A speaker that captured nothing for a while says so by its clock alone."""
    before, after = frames(2), frames(2, sequence=2, time_us=2 * FRAME_US + 700_000)
    assert missing(FrameOrder(), before + after) == [0, 0, 700_000, 0]


def test_jitter_of_the_stamps_is_no_gap() -> None:
    """Stamps that are some ms late do not add up to missing time."""
    said = [WireFrame(n, n * FRAME_US + (n % 3) * 9_000, b"\0\0") for n in range(100)]
    assert set(missing(FrameOrder(), said)) == {0}


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    """Frames whose stamps begin anew are taken, and a frame lost at that moment counts as one."""
    order = FrameOrder()
    before = frames(3, time_us=10**12)
    assert missing(order, before + frames(2, sequence=3) + frames(1, sequence=6)) == [0, 0, 0, 0, 0, FRAME_US]


def test_what_was_given_up_is_late_and_the_rest_is_in_time() -> None:
    """Frames of half a second that was given up are late; those behind it are taken without a gap."""
    order, said = FrameOrder(), frames(30)
    assert missing(order, said[:2]) == [0, 0]
    order.give_up(500_000)
    answers = missing(order, said[2:])
    assert answers == [None] * 25 + [0] * 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"rate_hz": 4000}, "rate_hz"),
        ({"channels": 9}, "channels"),
        ({"encoding": "mp3"}, "encoding"),
        ({"encoding": "opus", "channels": 2}, "Opus"),
        ({"token": None}, "token"),
        ({"name": ""}, "name"),
    ],
)
def test_a_hello_that_cannot_be_met_is_refused_by_name(change: dict[str, object], field: str) -> None:
    """The refusal names what is wrong, so that whoever builds a speaker can correct it."""
    with pytest.raises(SpeakerError, match=field) as refused:
        hello_of(json.dumps(HELLO | change))
    assert refused.value.code == "bad_hello"


@given(st.text())
def test_text_that_is_no_hello_is_refused(text: str) -> None:
    """No text but a hello is one."""
    with pytest.raises(SpeakerError):
        hello_of(text)


def test_battery_and_button_are_signals() -> None:
    """Later text messages tell of battery and button, and of nothing else."""
    assert signal_of('{"type": "battery", "percent": 41}') == Battery(41)
    assert signal_of('{"type": "button", "press": "long"}') == Button(Press.LONG)
    for text in ("", "{}", '{"type": "battery", "percent": 101}', '{"type": "lamp"}'):
        with pytest.raises(SpeakerError):
            signal_of(text)
