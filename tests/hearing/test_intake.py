"""Live audio is never waited for by its source, and what is given up is said."""

import threading
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.audio import AudioFrame, AudioGap, GapReason
from hardware.intake import Intake, read_ahead
from models.errors import AudioError


def frame(start_ms: int, length_ms: int = 100) -> AudioFrame:
    return AudioFrame(start_ms=start_ms, samples=np.zeros(length_ms * 16, dtype=np.float32))


def drained(intake: Intake) -> list[AudioFrame | AudioGap]:
    items = []
    while (item := intake.take()) is not None:
        items.append(item)
    return items


@given(
    lengths_ms=st.lists(st.integers(1, 400), max_size=40),
    taken_after=st.lists(st.booleans(), min_size=40, max_size=40),
    capacity_ms=st.integers(0, 1000),
)
def test_frames_and_gaps_tile_the_time(lengths_ms: list[int], taken_after: list[bool], capacity_ms: int) -> None:
    """However slow the taker, each millisecond offered comes out as audio or as a gap, in order."""
    intake = Intake(capacity_ms=capacity_ms)
    given_ms, taken = 0, []
    for length_ms, take in zip(lengths_ms, taken_after, strict=False):
        intake.offer(frame(given_ms, length_ms))
        given_ms += length_ms
        if take:
            with suppress(TimeoutError):
                taken.append(intake.take(timeout_s=0))
    intake.end()
    now_ms = 0
    for item in [*taken, *drained(intake)]:
        assert item is not None
        assert item.start_ms == now_ms
        now_ms = item.end_ms
    assert now_ms == given_ms


def test_what_does_not_fit_is_one_gap_of_overload() -> None:
    """Frames given up in a row are one gap; audio goes on behind it."""
    intake = Intake(capacity_ms=200)
    for start_ms in (0, 100, 200, 300):
        intake.offer(frame(start_ms))
    assert isinstance(intake.take(), AudioFrame)
    intake.offer(frame(400))
    intake.end()
    kinds = [item if isinstance(item, AudioGap) else (item.start_ms, item.end_ms) for item in drained(intake)]
    assert kinds == [(100, 200), AudioGap(start_ms=200, end_ms=400, reason=GapReason.OVERLOAD), (400, 500)]


def test_silence_of_the_source_is_noticed() -> None:
    """A source that offers nothing is a timeout, not an end."""
    with pytest.raises(TimeoutError):
        Intake().take(timeout_s=0.01)


def test_an_error_of_the_source_comes_after_its_audio() -> None:
    """What was captured before a device was lost is still given."""

    def lost_after_one() -> object:
        yield frame(0)
        raise AudioError("gone", code="microphone_lost")

    items = read_ahead(lost_after_one(), stop=lambda: None)
    assert next(items).end_ms == 100
    with pytest.raises(AudioError) as caught:
        next(items)
    assert caught.value.code == "microphone_lost"


def test_a_slow_consumer_does_not_stall_the_source() -> None:
    """The source is read to its end while the consumer holds its first frame."""
    read_to_the_end = threading.Event()

    def frames() -> object:
        for start_ms in range(0, 1000, 100):
            yield frame(start_ms)
        read_to_the_end.set()

    items = read_ahead(frames(), stop=lambda: None, capacity_ms=300)
    first = next(items)
    assert read_to_the_end.wait(timeout=10)
    rest = list(items)
    assert first.end_ms == rest[0].start_ms
    assert rest[-1].end_ms == 1000
    assert any(isinstance(item, AudioGap) for item in rest)


def test_the_source_is_stopped_when_the_consumer_goes_away() -> None:
    """Closing the iterator ends an endless source and its thread."""
    stopped = threading.Event()

    def endless() -> object:
        start_ms = 0
        while not stopped.wait(0.001):
            yield frame(start_ms)
            start_ms += 100

    items = read_ahead(endless(), stop=stopped.set)
    next(items)
    items.close()
    assert stopped.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
