"""Days and times of day that are spoken as one: 明天下午三点, 周五之前, 十二月五号上午, 下班前."""

import calendar
import re
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from nlp.commitments.numerals import HOUR, MONTH, NUMERAL, value_of

DAY: Final = timedelta(days=1)
LAST: Final = time(23, 59, 59)
"""A day ends here."""
BEFORE: Final = re.compile("之前|以前|前(?!台)")
_ABOUT = re.compile("之内|以内|左右")

_CLOSING: Final = time(18, 0)
_NEAR: Final = {"今": 0, "明": 1, "后": 2, "大后": 3}
_WEEKDAYS: Final = "一二三四五六日"
_PARTS: Final = {
    "凌晨": (time(0), time(6)),
    "一早": (time(6), time(9)),
    "早上": (time(6), time(9)),
    "早晨": (time(6), time(9)),
    "上午": (time(8), time(12)),
    "中午": (time(11), time(13)),
    "下午": (time(12), time(18)),
    "傍晚": (time(17), time(19)),
    "晚上": (time(18), LAST),
    "夜里": (time(18), LAST),
    "早": (time(6), time(9)),
    "晚": (time(18), LAST),
}
_AFTER_NOON: Final = frozenset({"下午", "傍晚", "晚上", "夜里", "晚"})
_OFFICE_FROM: Final = 7
"""A smaller hour, said without a part of the day, is in the afternoon."""

_NEAR_DAY = re.compile("(大后|[今明后])(?:天|日|儿个?(?!子)|(?=[早晚]))")
_WEEKDAY = re.compile("(下下|下|这|本)?个?(?:周|星期|礼拜)([一二三四五六日天末])(?!个?月)")
_DATE = re.compile(
    rf"(?:(?P<month>{MONTH})月份?|(?P<which>这|本|下)个?月)?(?P<day>{NUMERAL})[号日](?![楼院线院店柜窗])(?:[，,]?(?:周|星期|礼拜)[一二三四五六日天])?"
)
_PART = re.compile("|".join(_PARTS))
_LONE_PART = re.compile("|".join(part for part in _PARTS if len(part) > 1))
_MINUTE = "[0-5][0-9]|[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九]"
_HOUR = re.compile(
    rf"(?:(?P<low>{HOUR})(?:点?到|至|-))?(?P<hour>{HOUR})(?:点钟|点(?![个儿意建要五]))"
    rf"(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<minute>{_MINUTE})分?)?"
)
_CLOSE = re.compile("下班|打烊")


class Reading(NamedTuple):
    """A time that some words name, both ends included."""

    end: int
    """Where the words end."""
    since: datetime
    until: datetime


class _Days(NamedTuple):
    end: int
    first: date
    last: date


def read_clock(text: str, start: int, at: datetime) -> Reading | None:
    """The day and time of day that are named from a place of a text on; None where none is."""
    days = _days(text, start, at.date())
    place = days.end if days else start
    if days and text[place : place + 1] == "的":
        place += 1
    part = (_PART if days else _LONE_PART).match(text, place)
    place = part.end() if part else place
    hour = _HOUR.match(text, place)
    close = None if hour else _CLOSE.match(text, place)
    if hour and (days or part or _is_surely_an_hour(hour, text)):
        reading = _on_the_hour(hour, days, part[0] if part else "", at)
    elif close and not part:
        reading = _at_closing(close, days, text, at)
    elif part:
        reading = _part_of_day(part, days, at)
    elif days:
        reading = Reading(days.end, datetime.combine(days.first, time(0), at.tzinfo), _end_of(days.last, at))
    else:
        return None
    return _limited(reading, text, at)


def is_time_of_day(text: str, start: int) -> bool:
    """Whether a time of day without a day begins at a place of a text."""
    return bool(_LONE_PART.match(text, start) or _HOUR.match(text, start))


def _limited(reading: Reading, text: str, at: datetime) -> Reading:
    """The reading with the 前, 内 or 左右 after it, and never earlier than the words were said."""
    limit = BEFORE.match(text, reading.end) or _ABOUT.match(text, reading.end)
    at_latest = limit is not None and limit[0] != "左右"
    now = min(at, reading.until)
    end = limit.end() if limit else reading.end
    return Reading(end, now if at_latest else max(reading.since, now), reading.until)


def _end_of(day: date, at: datetime) -> datetime:
    return datetime.combine(day, LAST, at.tzinfo)


def _days(text: str, start: int, today: date) -> _Days | None:
    if near := _NEAR_DAY.match(text, start):
        day = today + _NEAR[near[1]] * DAY
        return _Days(near.end(), day, day)
    if weekday := _WEEKDAY.match(text, start):
        # 下周六十四号: the date says more.
        dated = _DATE.match(text, weekday.end()) if weekday[2] != "末" else None
        return (_dated(dated, today) if dated else None) or _on_weekday(weekday, today)
    dated = _DATE.match(text, start)
    return _dated(dated, today) if dated else None


def _on_weekday(match: re.Match[str], today: date) -> _Days:
    which, named = match[1] or "", match[2]
    monday = today - today.weekday() * DAY
    offset = 5 if named == "末" else _WEEKDAYS.index(named.replace("天", "日"))
    length = 1 if named == "末" else 0
    day = monday + (7 * which.count("下") + offset) * DAY
    if day + length * DAY < today:
        day += 7 * DAY
    return _Days(match.end(), day, day + length * DAY)


def _dated(match: re.Match[str], today: date) -> _Days | None:
    number = value_of(match["day"])
    if match["month"]:
        months = [date(today.year + years, value_of(match["month"]), 1) for years in range(9)]
    else:
        months = [month_after(today, count) for count in range(match["which"] == "下", 9)]
    for month in months:
        if 1 <= number <= days_of(month) and (day := month.replace(day=number)) >= today:
            return _Days(match.end(), day, day)
    return None


def month_after(day: date, count: int) -> date:
    """The first day of the month `count` months later."""
    years, month = divmod(day.month - 1 + count, 12)
    return date(day.year + years, month + 1, 1)


def days_of(month: date) -> int:
    """How many days the month of a day has."""
    return calendar.monthrange(month.year, month.month)[1]


def _is_surely_an_hour(hour: re.Match[str], text: str) -> bool:
    """三点 alone may be three points: it is a time when minutes, 钟 or 前 follow, or when it stands after 9."""
    told = hour["half"] or hour["quarter"] or hour["minute"] or hour[0].endswith("钟")
    return bool(told or BEFORE.match(text, hour.end()) or hour["hour"] not in {"一", "两", "几", "1", "2"})


def _on_the_hour(hour: re.Match[str], days: _Days | None, part: str, at: datetime) -> Reading:
    day = days.first if days else at.date()
    minute = 30 if hour["half"] else 15 * "零一二三".index(hour["quarter"] or "零")
    minute = value_of(hour["minute"].lstrip("零")) if hour["minute"] else minute
    last = value_of(hour["hour"])
    first = value_of(hour["low"]) if hour["low"] else last
    until = _moment(last, minute, day, part, today=not days or day == at.date(), at=at)
    # 十一点到一点 passes noon.
    since = until - timedelta(hours=(last - first) % 12)
    return Reading(hour.end(), since, until)


def _moment(hour: int, minute: int, day: date, part: str, *, today: bool, at: datetime) -> datetime:
    midnight = datetime.combine(day, time(0), at.tzinfo) + timedelta(minutes=minute)
    if part in _AFTER_NOON or (part == "中午" and hour < 3):
        hour += 12 if hour < 12 else 0
        # 晚上十二点 is the midnight that ends the day.
        return midnight + timedelta(hours=24 if hour == 12 and part != "下午" else hour)
    if part or hour > 12:
        return midnight + timedelta(hours=hour)
    hours = (hour, hour + 12) if hour >= _OFFICE_FROM else (hour + 12,)
    if not today:
        return midnight + timedelta(hours=hours[0])
    later = [midnight + timedelta(days=days, hours=one) for days in (0, 1) for one in hours]
    return next(moment for moment in later if moment >= at)


def _at_closing(close: re.Match[str], days: _Days | None, text: str, at: datetime) -> Reading:
    day = days.last if days else at.date()
    closing = datetime.combine(day, _CLOSING, at.tzinfo)
    after = re.compile("之后|以后|后").match(text, close.end())
    if after:
        return Reading(after.end(), closing, _end_of(day, at))
    return Reading(close.end(), closing, max(closing, min(at, _end_of(day, at))))


def _part_of_day(part: re.Match[str], days: _Days | None, at: datetime) -> Reading:
    begins, ends = _PARTS[part[0]]
    day = days.first if days else at.date()
    if not days and datetime.combine(day, ends, at.tzinfo) < at:
        day += DAY
    return Reading(
        part.end(),
        datetime.combine(day, begins, at.tzinfo),
        datetime.combine(days.last if days else day, ends, at.tzinfo),
    )
