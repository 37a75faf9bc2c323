"""What a wireless microphone sent and lost tiles the time, whatever the link does."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.audio import AudioFrame, AudioGap, GapReason
from hardware.ble_timeline import LinkTimeline, Tolerance

FRAME_MS = 20
FRAME = np.arange(320, dtype=np.float32) / 320


def tiled(items: list[AudioFrame | AudioGap]) -> int:
    """Check that items follow each other from 0; return where they end."""
    now_ms = 0
    for item in items:
        assert item.start_ms == now_ms, (item, now_ms)
        assert item.end_ms > item.start_ms
        now_ms = item.end_ms
    return now_ms


def gaps(items: list[AudioFrame | AudioGap]) -> list[tuple[int, int, str]]:
    return [(item.start_ms, item.end_ms, item.reason) for item in items if isinstance(item, AudioGap)]


def samples(items: list[AudioFrame | AudioGap]) -> np.ndarray:
    return np.concatenate([item.samples for item in items if isinstance(item, AudioFrame)])


class Played:
    """A timeline with a clock that moves when told."""

    def __init__(self, tolerance: Tolerance | None = None) -> None:
        self.timeline = LinkTimeline(tolerance=tolerance)
        self.now_ms = 0
        self.items: list[AudioFrame | AudioGap] = []

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.now_ms += FRAME_MS
            self.items += self.timeline.heard(FRAME, now_ms=self.now_ms)

    def quiet(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 250):
            self.now_ms += 250
            self.items += self.timeline.look(now_ms=self.now_ms)

    def connect(self) -> None:
        self.timeline.connected(rate_hz=16_000, now_ms=self.now_ms)

    def end(self) -> list[AudioFrame | AudioGap]:
        self.items += self.timeline.end(now_ms=self.now_ms)
        return self.items


def test_nothing_lost_is_every_sample() -> None:
    """A minute on time: sample for sample, no gap."""
    played = Played()
    played.connect()
    played.frames(3000)
    items = played.end()
    assert tiled(items) == 60_000
    assert np.array_equal(samples(items), np.tile(FRAME, 3000))
    assert played.timeline.counts.heard == 3000


def test_a_short_loss_is_silence_and_counted() -> None:
    """Five frames, 100 ms: concealed, no gap."""
    played = Played()
    played.connect()
    played.frames(10)
    played.timeline.lost(frames=5, samples=320)
    played.now_ms += 5 * FRAME_MS
    played.frames(10)
    items = played.end()
    assert not gaps(items)
    assert np.array_equal(samples(items)[3200:4800], np.zeros(1600, dtype=np.float32))
    assert (played.timeline.counts.lost, played.timeline.counts.concealed) == (5, 5)


def test_a_longer_loss_is_a_gap() -> None:
    """Eleven frames, 220 ms: said, not filled."""
    played = Played()
    played.connect()
    played.frames(10)
    played.timeline.lost(frames=11, samples=320)
    played.now_ms += 11 * FRAME_MS
    played.frames(10)
    assert gaps(played.end()) == [(200, 420, GapReason.LINK_LOST)]
    assert played.timeline.counts.concealed == 0


def test_garbage_for_long_is_a_gap_of_its_own_kind() -> None:
    """Undecodable frames are no loss of the link."""
    played = Played()
    played.connect()
    played.frames(10)
    for _ in range(20):
        played.timeline.undecodable(samples=320)
        played.now_ms += FRAME_MS
    played.frames(10)
    assert gaps(played.end()) == [(200, 600, GapReason.DECODE_ERROR)]


def test_what_the_device_dropped_without_a_number_becomes_a_gap() -> None:
    """Frames stay 400 ms behind the clock for 2 s: that time is lost; what is 100 ms behind is only late."""
    played = Played()
    played.connect()
    played.frames(50)
    played.now_ms += 400
    played.frames(200)
    played.now_ms += 100
    played.frames(200)
    items = played.end()
    assert [end - start for start, end, _ in gaps(items)] == [400]
    assert played.now_ms - tiled(items) <= 200


def test_a_burst_after_a_short_stall_loses_nothing() -> None:
    """The radio held 600 ms back and then gave them at once."""
    played = Played()
    played.connect()
    played.frames(50)
    played.now_ms += 600
    for _ in range(30):
        played.items += played.timeline.heard(FRAME, now_ms=played.now_ms)
    played.frames(200)
    items = played.end()
    assert not gaps(items)
    assert len(samples(items)) == 280 * 320


def test_a_silent_link_is_a_growing_gap_within_two_seconds() -> None:
    """Connected and nothing comes: the gap begins after 1 s and grows with the clock."""
    played = Played()
    played.connect()
    played.frames(50)
    played.quiet(2000)
    assert gaps(played.items)
    played.quiet(3000)
    assert gaps(played.items)[-1][1] >= played.now_ms - 1000
    tiled(played.end())


def test_a_host_that_was_held_up_takes_what_waited() -> None:
    """One late look is our own fault: the frames that wait behind it are taken, not called late."""
    played = Played()
    played.connect()
    played.frames(50)
    played.now_ms += 3000
    played.items += played.timeline.look(now_ms=played.now_ms)
    for _ in range(150):
        played.items += played.timeline.heard(FRAME, now_ms=played.now_ms)
    items = played.end()
    assert not gaps(items)
    assert played.timeline.counts.late == 0


def test_numbers_that_lie_do_not_run_ahead_of_the_clock() -> None:
    """Thirty thousand frames missing after one second: the gap ends now."""
    played = Played()
    played.connect()
    played.frames(50)
    played.timeline.lost(frames=30_000, samples=320)
    played.frames(50)
    assert tiled(played.end()) <= played.now_ms + FRAME_MS


events = st.lists(
    st.one_of(
        st.tuples(st.just("frames"), st.integers(1, 120)),
        st.tuples(st.just("burst"), st.integers(1, 120)),
        st.tuples(st.just("lost"), st.integers(1, 60)),
        st.tuples(st.just("garbage"), st.integers(1, 60)),
        st.tuples(st.just("quiet"), st.integers(100, 8000)),
        st.tuples(st.just("sleep"), st.integers(1, 3000)),
        st.tuples(st.just("reconnect"), st.sampled_from([8_000, 16_000, 48_000])),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(events=events)
def test_any_link_tiles_the_time(events: list[tuple[str, int]]) -> None:
    """Loss, bursts, garbage, stalls and new rates: time is tiled, and its end is near the clock's."""
    played = Played()
    played.connect()
    rate_hz = 16_000
    for what, amount in events:
        frame = np.ones(rate_hz // 50, dtype=np.float32)
        if what in {"frames", "burst"}:
            for _ in range(amount):
                played.now_ms += FRAME_MS if what == "frames" else 0
                played.items += played.timeline.heard(frame, now_ms=played.now_ms)
        elif what == "lost":
            played.timeline.lost(frames=amount, samples=len(frame))
        elif what == "garbage":
            for _ in range(amount):
                played.timeline.undecodable(samples=len(frame))
        elif what == "quiet":
            played.quiet(amount)
        elif what == "sleep":
            played.now_ms += amount
        else:
            played.items += played.timeline.disconnected(now_ms=played.now_ms)
            played.quiet(1500)
            rate_hz = amount
            played.timeline.connected(rate_hz=rate_hz, now_ms=played.now_ms)
    end_ms = tiled(played.end())
    assert played.now_ms - 1000 <= end_ms <= played.now_ms + 500 + FRAME_MS + 200
