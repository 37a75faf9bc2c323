"""Samples held against the clock: pure, with times as a device or a busy system would make them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.sample_clock import LATE_FOR_S, NS_PER_S, TOLERATED_S, RateWatch, SampleClock

RATE_HZ = 16_000
BLOCK = 800
BLOCK_NS = BLOCK * NS_PER_S // RATE_HZ


def counted(times_ns: list[int], dropped: dict[int, int] | None = None) -> tuple[SampleClock, int, int]:
    """Push a block at each time; return the clock, what it counted as lost, and as surplus."""
    clock = SampleClock(RATE_HZ)
    lost = surplus = 0
    for at, at_ns in enumerate(times_ns):
        accounted = clock.push(BLOCK, at_ns=at_ns, dropped=(dropped or {}).get(at, 0))
        lost += accounted.lost
        surplus += accounted.surplus
    return clock, lost, surplus


@settings(deadline=None)
@given(
    late_ms=st.lists(st.integers(0, 1_500), min_size=2, max_size=200),
    start_ns=st.integers(0, 10**15),
)
def test_samples_that_come_late_are_not_lost(late_ms: list[int], start_ns: int) -> None:
    """However late a busy system hands on blocks, all at once or one by one: where all come, none is missed or cut."""
    times_ns: list[int] = []
    for at, late in enumerate(late_ms):
        due_ns = start_ns + (at + 1) * BLOCK_NS
        # A stall holds back what comes after it, too; the first block shows how late the start was.
        times_ns.append(max([due_ns + (late if at % 40 == 39 else 0) * 1_000_000, *times_ns[-1:]]))
    clock, lost, surplus = counted(times_ns)
    assert (lost, surplus) == (0, 0)
    assert clock.counted == len(times_ns) * BLOCK


@settings(deadline=None)
@given(
    missing_blocks=st.integers(6, 400),
    before=st.integers(1, 200),
    jitter_ms=st.lists(st.integers(0, 60), min_size=20, max_size=20),
)
def test_missing_samples_are_counted(missing_blocks: int, before: int, jitter_ms: list[int]) -> None:
    """A hole of any length is found within the time that late samples are given, to within the tolerance."""
    due = [*range(before), *range(before + missing_blocks, before + missing_blocks + 120)]
    times_ns = [(at + 1) * BLOCK_NS + jitter_ms[at % 20] * 1_000_000 for at in due]
    times_ns = [max(one, times_ns[at - 1]) if at else one for at, one in enumerate(times_ns)]
    clock, lost, surplus = counted(times_ns)
    assert abs(lost - missing_blocks * BLOCK) <= TOLERATED_S * RATE_HZ
    assert surplus == 0
    assert clock.lag(times_ns[-1]) <= TOLERATED_S * RATE_HZ


@settings(max_examples=30, deadline=None)
@given(drift_ppm=st.integers(-2_000, 2_000), hours=st.sampled_from([0.1, 0.4]))
def test_a_quartz_that_is_off_never_leaves_the_clock(drift_ppm: int, hours: float) -> None:
    """Samples that come a little too slowly or too fast are made up for: the count follows the clock."""
    blocks = round(hours * 3_600 * NS_PER_S / BLOCK_NS)
    times_ns = [round((at + 1) * BLOCK_NS * (1 + drift_ppm / 1_000_000)) for at in range(blocks)]
    clock, lost, surplus = counted(times_ns)
    assert clock.counted == blocks * BLOCK + lost - surplus
    off_s = clock.counted / RATE_HZ - times_ns[-1] / NS_PER_S
    # Beyond the tolerance, what it drifts until that is sure.
    assert abs(off_s) <= TOLERATED_S + 2 * LATE_FOR_S * abs(drift_ppm) / 1_000_000 + BLOCK / RATE_HZ


@settings(deadline=None)
@given(dropped=st.dictionaries(st.integers(1, 50), st.integers(1, 16_000), max_size=5))
def test_what_is_known_to_be_dropped_is_counted_at_once_and_once(dropped: dict[int, int]) -> None:
    """Samples that we threw away ourselves are a gap before the next block, and not found missing again."""
    times_ns = []
    now_ns = 0
    for at in range(120):
        now_ns += (BLOCK + dropped.get(at, 0)) * NS_PER_S // RATE_HZ
        times_ns.append(now_ns)
    _, lost, surplus = counted(times_ns, dropped)
    assert (lost, surplus) == (sum(dropped.values()), 0)


def test_a_stream_that_started_late_is_known_by_its_second_block() -> None:
    """The first block came 0.4 s after its time and the second on time: nothing is surplus."""
    times_ns = [BLOCK_NS + 400_000_000, *((at + 1) * BLOCK_NS for at in range(9, 80))]
    times_ns = sorted([times_ns[0]] * 8 + times_ns[1:])
    _, lost, surplus = counted(times_ns)
    assert (lost, surplus) == (0, 0)


def test_before_the_first_sample_nothing_is_behind() -> None:
    """The clock starts with the audio."""
    assert SampleClock(RATE_HZ).lag(10**15) == 0


@pytest.mark.parametrize("real_hz", [8_000, 14_500, 17_400, 44_100])
def test_a_wrong_rate_is_named(real_hz: int) -> None:
    """A device that steadily gives another number of samples a second is told with that number."""
    watch = RateWatch(RATE_HZ)
    found = [watch.push(BLOCK, at_ns=at * BLOCK * NS_PER_S // real_hz) for at in range(20 * real_hz // BLOCK)]
    (named, *_) = [rate_hz for rate_hz in found if rate_hz is not None]
    assert named == pytest.approx(real_hz, rel=0.02)


@settings(deadline=None)
@given(stalls=st.sets(st.integers(1, 399), max_size=4), stall_ms=st.integers(100, 3_000))
def test_a_busy_system_is_not_a_wrong_rate(stalls: set[int], stall_ms: int) -> None:
    """Some bursts of loss change the rate, but not steadily."""
    watch = RateWatch(RATE_HZ)
    lost = 0
    for at in range(400):
        lost += stall_ms * 1_000_000 if at in stalls else 0
        assert watch.push(BLOCK, at_ns=at * BLOCK_NS + lost) is None
