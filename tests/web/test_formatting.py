"""Claims about how figures are written."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from server.web.formatting import clock, moment, percent, signed, start_of_day


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.26, "+1.3"), (-0.44, "−0.4"), (0.0, "0.0"), (-0.04, "0.0"), (0.04, "0.0"), (-100.0, "−100.0")],
)
def test_signed_numbers(value: float, text: str) -> None:
    """A sign stands where there is something to sign, and a rounded zero has none."""
    assert signed(value) == text


@pytest.mark.parametrize(("share", "text"), [(0.0, "0.0%"), (0.0004, "<0.1%"), (0.5, "50.0%"), (1.0, "100.0%")])
def test_shares(share: float, text: str) -> None:
    """What is there never reads as nothing."""
    assert percent(share) == text


@pytest.mark.parametrize(
    ("position_ms", "text"), [(0, "0:00"), (59_999, "0:59"), (60_000, "1:00"), (3_723_000, "1:02:03")]
)
def test_positions(position_ms: int, text: str) -> None:
    """A position in a conversation reads like on a recorder."""
    assert clock(position_ms) == text


def test_times_and_days_are_those_of_the_place() -> None:
    """Late on the 20th in London it is the 21st in Shanghai, and the day there began at its own midnight."""
    late, shanghai = datetime(2026, 11, 20, 18, 30, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
    assert moment(late, zone=shanghai) == "2026-11-21 02:30"
    assert start_of_day(late, zone=shanghai) == datetime(2026, 11, 20, 16, tzinfo=UTC)
