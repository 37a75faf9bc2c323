"""Spoken times are resolved against the moment at which they were said."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.commitments.due import find_dues
from nlp.commitments.working_days import is_working_day, next_holiday, working_day_after

SHANGHAI = ZoneInfo("Asia/Shanghai")
PHRASES = Path(__file__).parent / "data" / "due_phrases.tsv"
TABLE = [line.split("\t") for line in PHRASES.read_text("utf-8").splitlines() if line and not line.startswith("#")]
moments = st.datetimes(
    min_value=datetime(2020, 1, 1), max_value=datetime(2026, 10, 1), timezones=st.just(SHANGHAI)
).map(lambda moment: moment.replace(microsecond=0))
numbers = "一二三四五六七八九十"


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def until(words: str, at: datetime) -> datetime:
    (found,) = find_dues(words, at=at)
    return found.due.until.astimezone(at.tzinfo)


def test_the_table_is_large() -> None:
    """At least 80 phrases written by hand, none twice for one moment."""
    assert len({(said, at) for said, at, *_ in TABLE}) == len(TABLE) >= 80


@pytest.mark.parametrize(("said", "at", "words", "since", "end"), TABLE, ids=[f"{row[0]}@{row[1]}" for row in TABLE])
def test_phrases_of_the_table(said: str, at: str, words: str, since: str, end: str) -> None:
    """Each phrase names the words and the interval that the table gives; - is for none."""
    found = find_dues(said, at=local(at))
    got = [
        (one.due.words, one.due.since.astimezone(SHANGHAI).isoformat()[:16], one.due.until.astimezone(SHANGHAI))
        for one in found
    ]
    if words == "-":
        assert got == []
        return
    assert [(name, begins, f"{ends:%Y-%m-%dT%H:%M}") for name, begins, ends in got] == [(words, since, end)]


def test_words_stand_where_they_say() -> None:
    """Every due time of the table is an exact substring at its place."""
    for said, at, *_ in TABLE:
        for found in find_dues(said, at=local(at)):
            assert said[found.start : found.end] == found.due.words


PLAIN = sorted({row[2] for row in TABLE} - {"-"})


@given(st.sampled_from(PLAIN), moments)
def test_nothing_is_due_before_it_is_said(words: str, at: datetime) -> None:
    """Order: an interval begins before it ends, and a time that is no time of this morning ends after it was said."""
    for found in find_dues(words, at=at):
        assert found.due.since <= found.due.until
        assert found.due.until >= at or found.due.until.astimezone(SHANGHAI).date() == at.date()


STEADY = [words for words in PLAIN if not words.startswith(("今", "当", "下班"))]


@given(st.sampled_from(STEADY), moments, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_said_later_it_is_not_due_earlier(words: str, at: datetime, passed: timedelta) -> None:
    """Monotony: the same words said later never fall due earlier."""
    later = (at + passed).replace(microsecond=0)
    assert until(words, later) >= until(words, at)


@given(moments, st.integers(min_value=0, max_value=300))
def test_a_date_that_is_written_out_comes_back(at: datetime, ahead: int) -> None:
    """Inverse: M月D号, said within the year before, is that day."""
    day = at.date() + timedelta(days=ahead)
    assert until(f"{day.month}月{day.day}号", at).date() == day


@given(moments, st.integers(min_value=1, max_value=10))
def test_days_from_now_are_counted(at: datetime, count: int) -> None:
    """Inverse: N天后 is N days later."""
    assert until(f"{numbers[count - 1]}天后", at).date() == at.date() + timedelta(days=count)


@given(moments, st.integers(min_value=0, max_value=6))
def test_a_weekday_is_that_weekday(at: datetime, weekday: int) -> None:
    """Inverse: a bare weekday is within a week, the same one of 下周 in the calendar week after."""
    name = "一二三四五六日"[weekday]
    bare, following = until(f"周{name}", at).date(), until(f"下周{name}", at).date()
    assert bare.weekday() == following.weekday() == weekday
    assert 0 <= (bare - at.date()).days < 7
    monday = at.date() - timedelta(days=at.weekday())
    assert 7 <= (following - monday).days < 14


@given(moments, st.integers(min_value=0, max_value=30), st.integers(min_value=0, max_value=30))
def test_working_days_add_up(at: datetime, first: int, second: int) -> None:
    """Working days passed one after another are as many as passed at once, and each is one."""
    day = at.date()
    assert working_day_after(working_day_after(day, first), second) == working_day_after(day, first + second)
    assert first == 0 or is_working_day(working_day_after(day, first))


def test_moved_working_days_count() -> None:
    """In 2026 the State Council moved 10 October (a Saturday) into the working days, and 7 October out of them."""
    assert is_working_day(datetime(2026, 10, 10).date())
    assert not is_working_day(datetime(2026, 10, 7).date())
    assert next_holiday("国庆", after=datetime(2026, 9, 1).date()) == (
        datetime(2026, 10, 1).date(),
        datetime(2026, 10, 7).date(),
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    """A date without its zone would be another day somewhere."""
    with pytest.raises(ValueError, match="time zone"):
        find_dues("明天", at=datetime(2026, 3, 2))


@given(st.text(max_size=60), moments)
def test_any_text_is_read(text: str, at: datetime) -> None:
    """No text, however odd, breaks the resolver; what it finds stands in the text, in order and apart."""
    end = 0
    for found in find_dues(text, at=at):
        assert end <= found.start < found.end <= len(text)
        end = found.end


@given(
    st.lists(
        st.sampled_from(
            [*"一二两三十五半0319点号月周日年前后内到个天这下今明晚早底", "工作日", "礼拜", "小时", "国庆"]
        ),
        max_size=12,
    )
)
def test_any_heap_of_time_words_is_read(pieces: list[str]) -> None:
    """Dates that no calendar has (三十二号, 十三月) and numbers that are none (十十) raise nothing."""
    find_dues("".join(pieces), at=datetime(2026, 3, 2, 10, tzinfo=UTC))
