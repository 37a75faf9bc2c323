"""Working days and holidays of mainland China, days moved to weekends (调休) included."""

from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from holidays import HolidayBase

HOLIDAYS: Final = {
    "元旦": "New Year's Day",
    "春节": "Chinese New Year (Spring Festival)",
    "清明": "Tomb-Sweeping Day",
    "五一": "Labor Day",
    "端午": "Dragon Boat Festival",
    "中秋": "Mid-Autumn Festival",
    "国庆": "National Day",
}
"""Names as people say them, and as the `holidays` library gives them in English."""

_DAY: Final = timedelta(days=1)


@cache
def _calendar() -> "HolidayBase":
    # The State Council announces the moved days of a year in the November before; until the library has them, the
    # statutory holidays of that year and Monday to Friday hold.
    import holidays  # noqa: PLC0415  # its import takes half a second, and most texts name no working day

    return holidays.country_holidays("CN", language="en_US")


def is_working_day(day: date) -> bool:
    """Whether offices work on a day."""
    return bool(_calendar().is_working_day(day))


def working_day_after(day: date, count: int) -> date:
    """The `count`-th working day after a day; the day itself where `count` is 0.

    Raises:
        ValueError: `count` is negative.
    """
    if count < 0:
        raise ValueError(f"{count} working days cannot pass")
    while count:
        day += _DAY
        count -= is_working_day(day)
    return day


def next_holiday(name: str, *, after: date) -> tuple[date, date]:
    """The first and the last day off of the holiday that is on, or the next one.

    Args:
        name: one of HOLIDAYS.
        after: a holiday that ended before this day has passed.
    """
    official = HOLIDAYS[name]
    for year in (after.year, after.year + 1, after.year + 2):
        calendar = _calendar()
        named = [date(year, 1, 1) + _DAY * offset for offset in range(366)]
        # get() fills the year when it is first asked for; two holidays on one day are joined by "; ".
        days = [day for day in named if official in calendar.get(day, "").split("; ")]
        if days and (run := _days_off_around(days[0]))[1] >= after:
            return run
    raise LookupError(f"no {official} within two years of {after}")


def _days_off_around(day: date) -> tuple[date, date]:
    first = last = day
    while not is_working_day(first - _DAY):
        first -= _DAY
    while not is_working_day(last + _DAY):
        last += _DAY
    return first, last
