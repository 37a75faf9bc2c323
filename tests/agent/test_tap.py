"""A tap takes its own time's sound, all of it and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent.tap import Tap
from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason
from models.errors import AbandonedError

ZERO_MS = 5_000


def sound(start_ms: int, length_ms: int) -> AudioFrame:
    """Samples that tell their own time: each holds its millisecond."""
    times = np.repeat(np.arange(start_ms, start_ms + length_ms, dtype=np.float32), SAMPLES_PER_MS)
    return AudioFrame(start_ms=start_ms, samples=times)


@given(
    lengths=st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=20),
    from_ms=st.integers(-500, 2_000),
    length_ms=st.integers(0, 3_000),
    ended_after=st.integers(0, 20),
)
def test_a_tap_tiles_its_time_and_holds_no_sound_from_outside(
    lengths: list[tuple[int, bool]], from_ms: int, length_ms: int, ended_after: int
) -> None:
    """Whatever the pieces, whenever it is ended: frames and gaps from 0 to its length, each sample at its own time."""
    tap = Tap(name="m", from_ms=ZERO_MS + from_ms)
    at_ms = 0
    for place, (piece_ms, is_sound) in enumerate(lengths):
        if place == ended_after:
            tap.end(ZERO_MS + from_ms + length_ms)
        item = sound(at_ms, piece_ms) if is_sound else AudioGap(at_ms, at_ms + piece_ms, GapReason.LINK_LOST)
        at_ms += piece_ms
        if ended_after > place and at_ms > from_ms + length_ms:
            break  # sound of the future cannot be taken back
        tap.offer(item, zero_ms=ZERO_MS)
    tap.end(ZERO_MS + from_ms + length_ms)
    tap.settle(now_ms=ZERO_MS + from_ms + length_ms + 2_000)
    now_ms = 0
    for item in tap.frames():
        assert item.start_ms == now_ms
        assert item.end_ms > item.start_ms
        now_ms = item.end_ms
        if isinstance(item, AudioFrame):
            times = np.arange(item.start_ms, item.end_ms, dtype=np.float32) + from_ms
            np.testing.assert_array_equal(item.samples, np.repeat(times, SAMPLES_PER_MS))
    assert now_ms == length_ms
    assert tap.is_full


def test_an_end_in_the_past_moves_to_where_the_sound_that_was_passed_on_ends() -> None:
    """Whoever takes up there counts no millisecond twice."""
    tap = Tap(name="m", from_ms=ZERO_MS)
    tap.offer(sound(0, 100), zero_ms=ZERO_MS)
    assert tap.end(ZERO_MS + 80) == ZERO_MS + 100
    assert [item.end_ms for item in tap.frames()] == [100]


def test_what_does_not_fit_is_lost_to_overload_and_bounded() -> None:
    """A recogniser that takes nothing leaves room for the capacity, and the rest is one gap."""
    tap = Tap(name="m", from_ms=0, capacity_ms=1_000)
    for at_ms in range(0, 10_000, 250):
        tap.offer(sound(at_ms, 250), zero_ms=0)
        assert tap.waiting_ms <= 1_000
    tap.end(10_000)
    *_, last = tap.frames()
    assert last == AudioGap(start_ms=1_000, end_ms=10_000, reason=GapReason.OVERLOAD)


def test_sound_still_on_its_way_at_the_end_is_waited_for() -> None:
    """The end of the talk is heard although it arrives after the encounter was ended."""
    tap = Tap(name="m", from_ms=0)
    tap.end(500)
    tap.settle(now_ms=600)
    assert tap.offer(sound(0, 256), zero_ms=0)
    assert not tap.offer(sound(256, 256), zero_ms=0)
    assert [(type(item), item.end_ms) for item in tap.frames()] == [(AudioFrame, 256), (AudioFrame, 500)]


def test_an_abandoned_tap_gives_nothing_more() -> None:
    """What waited is thrown away."""
    tap = Tap(name="m", from_ms=0)
    tap.offer(sound(0, 256), zero_ms=0)
    tap.abandon()
    with pytest.raises(AbandonedError):
        next(tap.frames())
    assert not tap.offer(sound(256, 256), zero_ms=0)
    assert tap.waiting_ms == 0


def test_whoever_takes_the_sound_may_look_about_while_none_comes() -> None:
    """A link that is away gives an empty frame now and then, at the end of what was given."""
    tap = Tap(name="m", from_ms=ZERO_MS)
    tap.offer(sound(0, 100), zero_ms=ZERO_MS)
    frames = tap.frames()
    assert [(item.start_ms, item.end_ms) for item in (next(frames), next(frames))] == [(0, 100), (100, 100)]
