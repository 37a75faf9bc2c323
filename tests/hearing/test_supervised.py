"""One time out of many devices' times, and what a microphone without use gives: pure. The rest of Supervised is under
test with a real sound server in test_sound_card."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.audio import AudioFrame, AudioGap, Samples
from hardware.signal_watch import CLIPPED_OVER_MS, SILENT_FOR_MS, SignalWatch
from hardware.signals import Link, Signal
from hardware.supervised import Supervised
from hardware.timeline import PIECE_MS, Timeline
from models.errors import AudioError


def numbered(start_ms: int, end_ms: int) -> AudioFrame:
    """Return a frame whose samples say their own time, in milliseconds."""
    return AudioFrame(start_ms=start_ms, samples=np.arange(start_ms * 16, end_ms * 16, dtype=np.float32) / 16)


steps = st.one_of(
    st.tuples(st.just("frame"), st.integers(1, 900), st.integers(-3_000, 3_000)),
    st.tuples(st.just("gap"), st.integers(1, 4_000), st.integers(-3_000, 3_000)),
    st.tuples(st.just("lost"), st.integers(0, 5_000), st.just(0)),
)


@settings(deadline=None)
@given(steps=st.lists(steps, max_size=40), offset_ms=st.integers(0, 10_000))
def test_whatever_comes_early_late_or_twice_the_time_is_tiled(
    steps: list[tuple[str, int, int]], offset_ms: int
) -> None:
    """Frames and gaps follow each other from 0 without hole or overlap, each sample at its time, losses in pieces."""
    timeline = Timeline()
    given_items: list[AudioFrame | AudioGap] = []
    for kind, length_ms, shift_ms in steps:
        start_ms = max(0, timeline.now_ms - offset_ms + shift_ms)
        if kind == "lost":
            given_items += timeline.lost(until_ms=timeline.now_ms + length_ms, reason="device_lost")
            continue
        item = numbered(start_ms, start_ms + length_ms)
        gap = AudioGap(start_ms, start_ms + length_ms, "rerouted")
        given_items += timeline.take(item if kind == "frame" else gap, offset_ms=offset_ms, hole_reason="device_lost")
    ends = [0, *(item.end_ms for item in given_items)]
    assert [item.start_ms for item in given_items] == ends[:-1]
    assert timeline.now_ms == ends[-1]
    for item in given_items:
        assert item.end_ms > item.start_ms
        if isinstance(item, AudioFrame):
            assert item.samples[0] == item.start_ms - offset_ms
        else:
            assert item.end_ms - item.start_ms <= PIECE_MS


def minutes(samples: Samples, *, of: float) -> Iterator[Samples]:
    for _ in range(round(of * 60_000 / (len(samples) / 16))):
        yield samples


def said(watch: SignalWatch, frames: Iterator[Samples]) -> list[str]:
    """Return the codes of what changed."""
    changes = [watch.push(frame) for frame in frames]
    return [change.code for change in changes if change is not None]


VOICE = (0.1 * np.sin(np.arange(4_096) / 8)).astype(np.float32)
LOUD = np.clip(30 * VOICE, -1, 32_767 / 32_768).astype(np.float32)
ZEROS = np.zeros(4_096, dtype=np.float32)


def test_minutes_of_clipped_input_are_told_once_and_so_is_their_end() -> None:
    """Said within two minutes, and taken back a minute after the level was turned down."""
    watch = SignalWatch()
    assert said(watch, minutes(VOICE, of=3)) == []
    assert said(watch, minutes(LOUD, of=2 * CLIPPED_OVER_MS / 60_000)) == ["input_clipped"]
    assert said(watch, minutes(VOICE, of=3)) == [""]


def test_a_shout_is_no_clipped_input() -> None:
    """A few seconds at full scale in each minute are speech."""
    watch = SignalWatch()
    for _ in range(5):
        assert said(watch, minutes(LOUD, of=0.1)) == []
        assert said(watch, minutes(VOICE, of=0.9)) == []


def test_digital_silence_is_told_after_minutes_and_a_quiet_room_is_not() -> None:
    """Zeros are a muted microphone; noise of two bits is a quiet room."""
    watch = SignalWatch()
    assert said(watch, minutes(ZEROS, of=SILENT_FOR_MS / 60_000 - 0.1)) == []
    assert said(watch, minutes(ZEROS, of=0.2)) == ["input_silent"]
    assert said(watch, minutes(VOICE * 0 + np.float32(2 / 32_768), of=5)) == [""]


class Script:
    """A device that gives what it is told to, then fails, ends, or stays until it is closed.

    No frame comes before it could have been captured: one that is over as soon as the device is opened would lie in
    the time that was said to be lost.
    """

    name = "script"

    def __init__(
        self, items: list[AudioFrame | AudioGap], error: AudioError | None = None, *, stays: bool = False
    ) -> None:
        self._items, self._error, self._stays = items, error, stays
        self._closed = threading.Event()

    def frames(self) -> Iterator[AudioFrame | AudioGap]:
        opened_s = time.monotonic()
        for item in self._items:
            self._closed.wait(opened_s + item.end_ms / 1000 - time.monotonic())
            yield item
        if self._stays:
            self._closed.wait()
        if self._error is not None and not self._closed.is_set():
            raise self._error

    def close(self) -> None:
        self._closed.set()


def opening(*scripts: Script) -> Callable[[], Script]:
    """Return a function that gives one after the other."""
    left = iter(scripts)
    return lambda: next(left)


GONE = AudioError("gone", code="microphone_lost", permanent=False)
BROKEN = AudioError("no PortAudio", code="portaudio_missing")


def test_a_device_that_fails_is_opened_again_and_the_time_between_is_a_gap() -> None:
    """Two lives of one device make one time; the way there is told as it goes."""
    signals: list[Signal] = []
    link = AudioError("out of reach", code="link_lost", permanent=False)
    devices = opening(Script([numbered(0, 300)], link), Script([], GONE), Script([numbered(0, 300)]))
    items = list(Supervised(devices, on_signal=signals.append).frames())
    assert [item.start_ms for item in items] == [0, *(item.end_ms for item in items[:-1])]
    first, *between, last = items
    assert isinstance(first, AudioFrame)
    assert isinstance(last, AudioFrame)
    assert {item.reason for item in between if isinstance(item, AudioGap)} == {"link_lost", "device_lost"}
    assert signals == [Link(connected=False, reason="link_lost"), Link(connected=True, reason="")]


def test_what_cannot_come_back_is_not_waited_for() -> None:
    """A permanent error ends it, before and after audio; so does any at the start where the device must be there."""
    for devices, must_open in (
        (opening(Script([], BROKEN)), False),
        (opening(Script([numbered(0, 300)], BROKEN)), False),
        (opening(Script([], GONE)), True),
    ):
        with pytest.raises(AudioError):
            list(Supervised(devices, must_open=must_open).frames())


def test_a_device_that_says_nothing_any_more_is_lost_time_while_it_lasts() -> None:
    """A source without a watchdog of its own falls silent: gaps come as the time passes, until it is closed."""
    supervised = Supervised(opening(Script([numbered(0, 300)], stays=True)))
    items = []
    for item in supervised.frames():
        items.append(item)
        if len(items) == 4:
            supervised.close()
    assert isinstance(items[0], AudioFrame)
    assert [item.reason for item in items[1:] if isinstance(item, AudioGap)] == ["device_lost"] * (len(items) - 1)


def test_the_end_of_the_devices_own_audio_is_the_end() -> None:
    """A file that has been played is not lost and not opened again."""
    items = list(Supervised(opening(Script([numbered(0, 300), numbered(300, 600)]))).frames())
    assert [(item.start_ms, item.end_ms) for item in items] == [(0, 300), (300, 600)]


def test_closed_while_its_device_is_away_it_ends() -> None:
    """Closing does not wait for the next attempt to open."""
    supervised = Supervised(opening(Script([numbered(0, 300)], GONE)))
    items = []
    for item in supervised.frames():
        items.append(item)
        supervised.close()
    assert isinstance(items[0], AudioFrame)
