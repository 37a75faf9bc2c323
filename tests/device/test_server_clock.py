"""The server's time is known as long as the device runs, whatever is done to its wall clock."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.clock import Reading, read_clock
from edge_agent.server_clock import ServerClock

MS = st.integers(0, 2**41)


@given(wall_ms=MS, monotonic_ms=MS, offset_ms=st.integers(-(10**9), 10**9), passed_ms=MS, set_by_ms=MS)
def test_setting_the_wall_clock_changes_nothing_within_a_boot(
    wall_ms: int, monotonic_ms: int, offset_ms: int, passed_ms: int, set_by_ms: int
) -> None:
    """After any time and any jump of the wall clock, wall clock and offset together are the server's time."""
    measured_at = Reading(wall_ms=wall_ms, monotonic_ms=monotonic_ms, boot="one")
    clock = ServerClock.measured(offset_ms, now=measured_at)
    later = Reading(wall_ms=wall_ms + passed_ms - set_by_ms, monotonic_ms=monotonic_ms + passed_ms, boot="one")
    assert later.wall_ms + clock.offset_at(later) == wall_ms + offset_ms + passed_ms


@given(monotonic_ms=MS, offset_ms=st.integers(-(10**9), 10**9), boot=st.sampled_from(["two", ""]))
def test_another_boot_does_not_use_the_former_ones_monotonic_clock(
    monotonic_ms: int, offset_ms: int, boot: str
) -> None:
    """Until the server is met again the wall clock is taken to be as wrong as it was."""
    clock = ServerClock.measured(offset_ms, now=Reading(wall_ms=10**12, monotonic_ms=10**9, boot="one"))
    assert clock.offset_at(Reading(wall_ms=10**12, monotonic_ms=monotonic_ms, boot=boot)) == offset_ms


def test_readings_of_one_boot_name_it_alike() -> None:
    """Two readings of this machine say the same boot, and its monotonic clock goes forward."""
    first, second = read_clock(), read_clock()
    assert first.boot == second.boot
    assert first.monotonic_ms <= second.monotonic_ms
