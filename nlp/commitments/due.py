"""When something is due: spoken Chinese times, resolved against the moment at which they were said.

Conventions. Both ends are included, and a day ends at 23:59:59. 之前 includes what it names (周五之前: until Friday
night), as those who label promises read it; before a holiday it does not. A weekday without 这 or 下 is the next one,
today included; weeks begin on Monday. An hour without 上午 or 下午 is the next one between 7 and 19 o'clock. 下班 is
18:00. 国庆后 is the working week after. 三到五个工作日 begins with the third and ends with the fifth.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from models.commitment import Due
from nlp.commitments.clock import BEFORE, DAY, LAST, Reading, days_of, is_time_of_day, month_after, read_clock
from nlp.commitments.numerals import MONTH, NUMERAL, value_of
from nlp.commitments.working_days import HOLIDAYS, next_holiday, working_day_after

_WITHIN = "(?P<within>之内|以内|内|里)"
_LATER = "(?P<later>之后|以后|后(?!天|续))"
_SPAN = re.compile(
    rf"(?:(?P<low>{NUMERAL})(?:个?工作日)?(?:到|至|-))?(?P<count>{NUMERAL}|半)(?P<half>个半)?个?"
    rf"(?P<unit>工作日|小时|钟头|分钟|天|日(?=[之以]?内)|周|星期|礼拜|月)(?:左右)?(?:{_WITHIN}|{_LATER})?(?!热线|营业|服务)"
)
_VAGUE: Final = {"一两": 2, "两三": 3, "三四": 4, "三五": 5, "两": 2, "几": 3}
"""Days that 一两天, 两天 (after 这 or 过) and so on are at most."""
_FEW = re.compile(rf"(?P<lead>[这过])?(?P<vague>{'|'.join(_VAGUE)})天(?P<within>之内|以内|内)?")
_MONTH = re.compile(
    rf"(?:(?P<which>这|本|下)个?月|(?P<month>{MONTH})月份?|(?=月[底初末中]))月?(?P<part>底|末|初|中旬|中(?!间))?{_WITHIN}?"
)
_WEEK = re.compile(rf"(?P<which>这|本|下下|下)个?(?:周|星期|礼拜)(?![一二三四五六日天末]){_WITHIN}?")
_YEAR = re.compile("(?:今年)?年(?:底|末)|今年(?:之内|以内|内)|年内")
_FEAST = re.compile(
    rf"(?P<name>{'|'.join(HOLIDAYS)}|过年|年)节?(?P<off>假期|放假|长假)?(?:(?P<before>之前|以前|前)|(?P<later>之后|以后|后|回来|完)|(?P<during>期间|里))"
)
_STARTS = re.compile(
    "(?<![第每上昨前零一二两三四五六七八九十百廿0-9.号])(?=[0-9一二两三四五六七八九十廿半几这本下过今明后大周星礼月年早上中傍晚夜凌打元春清端国])"
)
_HOURS: Final = {"小时": 60, "钟头": 60, "分钟": 1}
"""Minutes of a unit."""
_LONG_UNITS: Final = frozenset({"天", "周", "星期", "礼拜", "月"})
"""Without 内 or 后 these say how long, not when: 再试三天."""
_WEEK_UNITS: Final = frozenset({"周", "星期", "礼拜"})
_OPENING: Final = time(7)
_WEEK_AFTER: Final = 5
"""Working days that 国庆后 stretches over."""


class Found(NamedTuple):
    """A due time, and where the words stand that name it."""

    start: int
    end: int
    due: Due


def find_dues(text: str, *, at: datetime) -> list[Found]:
    """Every time that a text names, in order; of overlapping ones the longest.

    Args:
        text: as it was spoken; numbers in characters or digits.
        at: when it was said, in the time zone of the place.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    found: list[Found] = []
    for place in _STARTS.finditer(text):
        start = place.start()
        if found and start < found[-1].end:
            continue
        moment = _moment_meant(text, start, at, found)
        readings = [reading for read in _READERS if (reading := read(text, start, moment))]
        if readings:
            best = max(readings, key=lambda reading: reading.end)
            due = Due(words=text[start : best.end], since=best.since, until=best.until)
            found.append(Found(start, best.end, due))
    return found


def _moment_meant(text: str, start: int, at: datetime, found: list[Found]) -> datetime:
    """An hour alone is of the day that was named before it: 礼拜四……九点半到您家."""
    if not found or not is_time_of_day(text, start):
        return at
    day = found[-1].due.since.astimezone(at.tzinfo)
    return max(at, day.replace(hour=_OPENING.hour, minute=0, second=0, microsecond=0))


def _span(text: str, start: int, at: datetime) -> Reading | None:
    match = _SPAN.match(text, start)
    if not match or (match["unit"] in _LONG_UNITS and not (match["within"] or match["later"])):
        return None
    count = 0.5 if match["count"] == "半" else value_of(match["count"]) + (0.5 if match["half"] else 0)
    low = value_of(match["low"]) if match["low"] else count if match["later"] else 0
    until = _later(at, count, match["unit"])
    since = _later(at, low, match["unit"]) if low else at
    if match["unit"] not in _HOURS and low:
        since = max(at, datetime.combine(since.date(), time(0), at.tzinfo))
    return Reading(match.end(), min(since, until), until)


def _later(at: datetime, count: float, unit: str) -> datetime:
    """The moment that many units later: to the minute for hours, else the end of that day."""
    if unit in _HOURS:
        return (at.astimezone(UTC) + timedelta(minutes=count * _HOURS[unit])).astimezone(at.tzinfo)
    if unit == "工作日":
        day = working_day_after(at.date(), int(count))
    elif unit in _WEEK_UNITS:
        day = at.date() + round(7 * count) * DAY
    elif unit == "月":
        month = month_after(at.date(), int(count))
        day = month.replace(day=min(at.day, days_of(month))) + (15 * DAY if count % 1 else 0 * DAY)
    else:
        day = at.date() + round(count) * DAY
    return _end(day, at)


def _end(day: date, at: datetime) -> datetime:
    return datetime.combine(day, LAST, at.tzinfo)


def _whole(match_end: int, text: str, first: date, last: date, at: datetime) -> Reading:
    """Whole days from the first to the last, not before now; the last only where 前 follows."""
    before = BEFORE.match(text, match_end)
    since = at if before else max(at, datetime.combine(first, time(0), at.tzinfo))
    return Reading(before.end() if before else match_end, since, max(since, _end(last, at)))


def _few_days(text: str, start: int, at: datetime) -> Reading | None:
    match = _FEW.match(text, start)
    if not match or not (match["lead"] or match["within"]):
        return None
    last = at.date() + _VAGUE[match["vague"]] * DAY
    return _whole(match.end(), text, at.date() + (match["lead"] == "过") * DAY, last, at)


def _month(text: str, start: int, at: datetime) -> Reading | None:
    match = _MONTH.match(text, start)
    if not match or (match["month"] and not match["part"] and not match["within"]):
        return None
    today = at.date()
    month = month_after(today, 1 if match["which"] == "下" else 0)
    if match["month"]:
        number = value_of(match["month"])
        month = date(today.year + (number < today.month), number, 1)
    first, last = _third(match["part"] or "", days_of(month))
    if month.replace(day=last) < today:
        month = month.replace(year=month.year + 1) if match["month"] else month_after(month, 1)
        first, last = _third(match["part"] or "", days_of(month))
    return _whole(match.end(), text, month.replace(day=first), month.replace(day=last), at)


def _third(part: str, length: int) -> tuple[int, int]:
    """First and last day of a part of a month: 月初 five days, 月底 five, 月中 the middle ten."""
    if part == "初":
        return 1, 5
    if part in {"底", "末"}:
        return length - 4, length
    return (11, 20) if part else (1, length)


def _week(text: str, start: int, at: datetime) -> Reading | None:
    match = _WEEK.match(text, start)
    if not match:
        return None
    monday = at.date() - at.weekday() * DAY + 7 * match["which"].count("下") * DAY
    return _whole(match.end(), text, monday, monday + 6 * DAY, at)


def _year(text: str, start: int, at: datetime) -> Reading | None:
    match = _YEAR.match(text, start)
    if not match:
        return None
    return _whole(match.end(), text, date(at.year, 12 if match[0][-1] in "底末" else 1, 1), date(at.year, 12, 31), at)


def _feast(text: str, start: int, at: datetime) -> Reading | None:
    match = _FEAST.match(text, start)
    if not match:
        return None
    first, last = next_holiday(_ALSO.get(match["name"], match["name"]), after=at.date())
    if match["before"]:
        eve = max(first - DAY, at.date())
        return Reading(match.end(), at, max(at, _end(eve, at)))
    if match["during"]:
        return _whole(match.end(), text, first, last, at)
    return _whole(match.end(), text, last + DAY, working_day_after(last, _WEEK_AFTER), at)


_ALSO: Final = {"年": "春节", "过年": "春节"}
"""Other names of holidays."""

_READERS: Final[tuple[Callable[[str, int, datetime], Reading | None], ...]] = (
    _span,
    _few_days,
    read_clock,
    _month,
    _week,
    _year,
    _feast,
)
