"""How long a device waits, and what it makes of the server's clock: pure functions."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.backoff import Backoff, retry_after_s
from edge_agent.clock import offset_ms

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_waits_grow_to_the_longest_and_are_never_shorter_than_half(failures: int, chance: float) -> None:
    """Between half and all of the doubled wait, at most the longest, for any number of failures."""
    backoff = Backoff(first_s=0.5, longest_s=60)
    full_s = min(60, 0.5 * 2.0 ** min(failures - 1, 100))
    assert full_s / 2 <= backoff.wait_s(failures, chance=chance) <= full_s


def test_never_less_than_the_server_asked_for() -> None:
    """Retry-After wins over a shorter own wait."""
    assert Backoff(first_s=0.5, longest_s=60).wait_s(1, chance=0.0, asked_s=30) == 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        (" 0 ", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("99999999", 3600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(header: str | None, seconds: float | None) -> None:
    """Seconds or a date, never negative, at most an hour; anything else is as if it were absent."""
    assert retry_after_s(header, now=NOW) == seconds


@given(ahead_s=st.integers(-10_000_000, 10_000_000), took_ms=st.integers(0, 5000))
def test_the_offset_is_right_within_the_headers_second(ahead_s: int, took_ms: int) -> None:
    """Server's minus our clock, half a second and half the exchange either way."""
    sent_ms = int(NOW.timestamp() * 1000)
    date = format_datetime(NOW + timedelta(seconds=ahead_s, milliseconds=took_ms // 2), usegmt=True)
    measured = offset_ms(date, sent_ms=sent_ms, received_ms=sent_ms + took_ms)
    assert measured is not None
    assert abs(measured - ahead_s * 1000) <= 1001


@pytest.mark.parametrize("header", [None, "", "yesterday", "0"])
def test_no_date_gives_no_offset(header: str | None) -> None:
    """An absent or unreadable date measures nothing."""
    assert offset_ms(header, sent_ms=0, received_ms=0) is None
