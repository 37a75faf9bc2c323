"""A loss that is held back is filled with what the microphone kept, in its own time, and tiles it as before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.agent.held import CATCH_UP_MS
from edge_agent.agent.tap import Tap
from hardware.audio import SAMPLES_PER_MS, AudioFrame, AudioGap, GapReason, Samples

LIVE, KEPT = 1.0, 0.5


def sound(start_ms: int, length_ms: int) -> AudioFrame:
    """Sound as it came live."""
    return AudioFrame(start_ms=start_ms, samples=np.full(length_ms * SAMPLES_PER_MS, LIVE, dtype=np.float32))


def kept(length_ms: int) -> Samples:
    """Sound as the microphone kept it."""
    return np.full(length_ms * SAMPLES_PER_MS, KEPT, dtype=np.float32)


def lost(start_ms: int, length_ms: int) -> AudioGap:
    return AudioGap(start_ms, start_ms + length_ms, GapReason.LINK_LOST)


def tapped(items: list[AudioFrame | AudioGap], *, end_ms: int | None = None) -> Tap:
    """A tap from 0 that was given items and, if so said, ended."""
    tap = Tap(name="m", from_ms=0, is_filled_later=True)
    for item in items:
        tap.offer(item, zero_ms=0)
    if end_ms is not None:
        tap.end(end_ms)
    return tap


def what_comes(tap: Tap) -> list[tuple[int, int, str]]:
    """All of a tap that ends: when, and whether live, kept or why lost; joined."""
    found: list[tuple[int, int, str]] = []
    for item in tap.frames():
        if isinstance(item, AudioGap):
            what = item.reason
        else:
            assert len(set(item.samples.tolist())) == 1
            what = "live" if item.samples[0] == LIVE else "kept"
        if found and found[-1][2] == what:
            found[-1] = (found[-1][0], item.end_ms, what)
        else:
            found.append((item.start_ms, item.end_ms, what))
    return found


LOSS = [sound(0, 10_000), lost(10_000, 1_000), lost(11_000, 1_000), lost(12_000, 8_000), sound(20_000, 10_000)]
"""Ten seconds heard, ten lost, ten heard."""


@given(
    pieces=st.lists(
        st.tuples(st.integers(1, 4_000), st.sampled_from(["live", "link_lost", "device_lost"])), max_size=12
    ),
    stretches=st.lists(st.tuples(st.integers(-5_000, 40_000), st.integers(0, 9_000)), max_size=5),
    length_ms=st.integers(1, 30_000),
    filled_after=st.integers(0, 12),
)
def test_whatever_is_filled_in_the_time_is_tiled_and_live_sound_stays(
    pieces: list[tuple[int, str]], stretches: list[tuple[int, int]], length_ms: int, filled_after: int
) -> None:
    """In any order: from 0 to the end without hole, kept sound where the link was lost, live sound where it was."""
    given_items: list[AudioFrame | AudioGap] = []
    at_ms = 0
    for piece_ms, what in pieces:
        given_items.append(sound(at_ms, piece_ms) if what == "live" else AudioGap(at_ms, at_ms + piece_ms, what))
        at_ms += piece_ms
    inside = [item for item in given_items if item.end_ms <= length_ms]
    tap = tapped(inside[:filled_after])
    for stamped_ms, kept_ms in stretches:
        tap.fill(kept(kept_ms), stamped_ms=stamped_ms)
    for item in inside[filled_after:]:
        tap.offer(item, zero_ms=0)
    tap.end(length_ms)
    for stamped_ms, kept_ms in stretches:
        tap.fill(kept(kept_ms), stamped_ms=stamped_ms)
    tap.settle(now_ms=length_ms + 2_000)
    tap.let_go()
    found = what_comes(tap)
    now_ms = 0
    for start_ms, end_ms, _ in found:
        assert start_ms == now_ms
        now_ms = end_ms
    assert now_ms == length_ms
    assert tap.is_full
    states = {ms: what for start, end, what in found for ms in range(start, end)}
    for item in inside:
        was = "live" if isinstance(item, AudioFrame) else item.reason
        here = {states[ms] for ms in range(item.start_ms, item.end_ms)}
        assert here <= ({was, "kept"} if was == "link_lost" else {was})


def test_a_loss_is_held_back_until_what_was_kept_lies_in_its_place() -> None:
    """The first second is told at once, so that what was said before it is read; the rest waits."""
    tap = tapped(LOSS, end_ms=30_000)
    assert not tap.is_full
    assert tap.fill(kept(6_000), stamped_ms=13_000) == 19_000
    assert not tap.is_done_with(19_000)
    tap.let_go()
    assert what_comes(tap) == [
        (0, 10_000, "live"),
        (10_000, 13_000, "link_lost"),
        (13_000, 19_000, "kept"),
        (19_000, 20_000, "link_lost"),
        (20_000, 30_000, "live"),
    ]
    tap.written(19_000)
    assert tap.is_done_with(19_000)


def test_stretches_that_follow_each_other_are_laid_without_a_seam() -> None:
    """Stamps are whole seconds: one that is a second off still continues the one before."""
    tap = tapped(LOSS, end_ms=30_000)
    tap.fill(kept(3_400), stamped_ms=9_000)
    tap.fill(kept(3_400), stamped_ms=15_000)
    tap.let_go()
    assert (11_000, 17_800, "kept") in what_comes(tap)


def test_the_same_stretch_again_is_not_taken_again() -> None:
    """A device that gives it twice gets its place once."""
    tap = tapped(LOSS, end_ms=30_000)
    assert tap.fill(kept(3_000), stamped_ms=12_000) == 14_000
    assert tap.fill(kept(3_000), stamped_ms=12_010) is None


def test_sound_from_before_the_consent_is_cut_off() -> None:
    """The loss began before the conversation: what is stamped earlier is of somebody else's time."""
    tap = tapped([lost(0, 2_000), lost(2_000, 10_000), sound(12_000, 8_000)], end_ms=20_000)
    tap.fill(kept(5_000), stamped_ms=-1_000)
    tap.let_go()
    assert what_comes(tap)[1] == (1_000, 4_000, "kept")


def test_sound_that_may_be_of_the_time_after_the_end_is_not_taken() -> None:
    """It is stamped up to three seconds early, so the last three seconds of a conversation stay lost."""
    tap = tapped([sound(0, 10_000), lost(10_000, 10_000)], end_ms=20_000)
    tap.fill(kept(9_000), stamped_ms=11_000)
    tap.let_go()
    assert what_comes(tap)[1:] == [
        (10_000, 11_000, "link_lost"),
        (11_000, 17_000, "kept"),
        (17_000, 20_000, "link_lost"),
    ]


def test_a_conversation_that_is_over_is_let_go_when_the_store_is_read_beyond_it() -> None:
    """Whoever is heard next does not wait for it."""
    tap = tapped([sound(0, 10_000), lost(10_000, 10_000)], end_ms=20_000)
    assert tap.fill(kept(1_000), stamped_ms=19_000) is None
    assert not tap.is_full
    assert tap.fill(kept(1_000), stamped_ms=20_001) is None
    assert tap.is_full


def test_live_sound_waits_for_what_was_kept_no_longer_than_two_minutes() -> None:
    """Memory is bounded: then the loss is told, and nothing of it is lost to overload."""
    tap = tapped(LOSS)
    at_ms = 30_000
    while tap.is_holding:
        tap.offer(sound(at_ms, 1_000), zero_ms=0)
        at_ms += 1_000
    assert CATCH_UP_MS < at_ms - 30_000 <= CATCH_UP_MS + 2_000
    assert tap.fill(kept(6_000), stamped_ms=13_000) is None
    tap.end(at_ms)
    assert {what for _, _, what in what_comes(tap)} == {"live", "link_lost"}


def test_after_half_an_hour_a_link_is_not_waited_for() -> None:
    """The conversation does not stay open for a wearable that lies in a drawer."""
    tap = tapped([sound(0, 10_000)])
    tap.end(40_000)
    for at_ms in range(10_000, 1_900_000, 1_000):
        tap.offer(lost(at_ms, 1_000), zero_ms=0)
    assert tap.is_full
    assert what_comes(tap)[-1] == (10_000, 40_000, "link_lost")


def test_a_conversation_that_was_withdrawn_takes_nothing() -> None:
    """What is kept of it is thrown away, and the device may forget it."""
    tap = tapped(LOSS)
    tap.abandon()
    assert tap.fill(kept(6_000), stamped_ms=13_000) is None
    assert tap.is_done_with(19_000)
