"""The training set of our own keeps to its format, to its size and away from the evaluation texts."""

import json
import lzma
import re
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from stdnum import luhn
from stdnum.cn import ric

from models.errors import UnderstandingError
from models.labels import Role
from nlp.training import counter
from nlp.training.counter import Conversation, conversations
from support.shared_data import shared

LONGEST_SHARED = 11
"""Letters in a row that two texts may share by chance; when the set was made, the longest run shared was under 10."""

CARD = Path(counter.__file__).with_name("COUNTER_CONVERSATIONS.md")


@pytest.fixture(scope="module")
def written() -> tuple[Conversation, ...]:
    return conversations()


@pytest.fixture(scope="module")
def everything(written: tuple[Conversation, ...]) -> tuple[Conversation, ...]:
    """With the school offices, which stand in a file of their own."""
    return (*written, *conversations(files("nlp.training").joinpath(counter.SCHOOL_FILE)))


def test_the_school_offices_are_as_many_as_the_card_says(everything: tuple[Conversation, ...]) -> None:
    """Conversations, turns, events and quiet ones of the second file are those of its row in the card."""
    schools = [one for one in everything if one.industry == "school_office"]
    turns, events = sum(len(one.turns) for one in schools), sum(len(one.events) for one in schools)
    quiet = sum(not one.events for one in schools)
    assert {one.writer for one in schools} == {"w6"}
    assert (
        f"| {len(schools)} | {turns} | {events} | {quiet} | enrolment fees progress consult complaint |"
        in CARD.read_text("utf-8")
    )


def test_no_turn_is_written_twice(everything: tuple[Conversation, ...]) -> None:
    """No turn of eight characters or more stands twice."""
    said = Counter(turn.text for one in everything for turn in one.turns if len(turn.text) >= 8)
    assert [text for text, times in said.items() if times > 1] == []


def test_the_set_is_as_large_as_it_says(written: tuple[Conversation, ...]) -> None:
    """At least 400 conversations and 6,000 turns by several writers, every one valid."""
    assert len(written) >= 400
    assert sum(len(one.turns) for one in written) >= 6000
    assert len({one.writer for one in written}) >= 3


def test_every_conversation_has_two_sides(everything: tuple[Conversation, ...]) -> None:
    """Staff and customers both speak in each."""
    assert {one.id for one in everything if {turn.role for turn in one.turns} != {Role.STAFF, Role.CUSTOMER}} == set()


def test_in_many_conversations_nothing_happens(written: tuple[Conversation, ...]) -> None:
    """A fifth to two fifths have no event: a model must learn to keep still."""
    assert 0.2 <= sum(not one.events for one in written) / len(written) <= 0.4


def test_a_tenth_is_labelled_twice(written: tuple[Conversation, ...]) -> None:
    """The second labeller read conversations of every writer."""
    twice = [one for one in written if one.second]
    assert len(twice) >= len(written) // 10
    assert {one.writer for one in twice} == {one.writer for one in written}


def test_touchpoints_are_those_of_the_card(everything: tuple[Conversation, ...]) -> None:
    """The card lists industries and their touchpoints; nothing else is used."""
    listed = {
        (industry, touchpoint)
        for industry, some in re.findall(r"^\| `(\w+)` \|.*\| ([a-z_ ]+) \|$", CARD.read_text("utf-8"), re.MULTILINE)
        for touchpoint in some.split()
    }
    assert {(one.industry, event.touchpoint) for one in everything for event in one.events} <= listed
    assert {one.industry for one in everything} == {industry for industry, _ in listed}


def test_no_promise_is_due_before_it_is_given(everything: tuple[Conversation, ...]) -> None:
    """A due date lies on the day of the conversation or later."""
    late = [
        (one.id, turn.text)
        for one in everything
        for turn in one.turns
        if turn.promise and turn.promise.due_date and turn.promise.due_date < one.date.date()
    ]
    assert late == []


def test_nobody_can_be_reached_by_its_personal_data(everything: tuple[Conversation, ...]) -> None:
    """Mobiles are of the guide's pattern, identity numbers and cards fail their checks, e-mail domains are reserved."""
    spoken = str.maketrans("零〇一二三四五六七八九幺叉点", "001234567891X.")
    said = [
        (one.id, some.kind, some.text.translate(spoken))
        for one in everything
        for turn in one.turns
        for some in turn.pii
    ]
    numbers = [(named, kind, re.sub(r"[^0-9X]", "", text.upper())) for named, kind, text in said]
    assert [
        one for one in numbers if one[1] == "mobile" and re.match(r"(?!199|170)1\d{10}$|1[79][90][1-9]{8}$", one[2])
    ] == []
    assert [one for one in numbers if one[1] == "id_card" and ric.is_valid(one[2])] == []
    assert [one for one in numbers if one[1] == "bank_card" and len(one[2]) >= 15 and luhn.is_valid(one[2])] == []
    mail = [one for one in said if one[1] == "email" and ("@" in one[2] or "at" in one[2])]
    assert mail
    assert [one for one in mail if not re.search(r"example(\.(com|org|net))?$", one[2])] == []


def test_no_evaluation_text_is_in_the_set(everything: tuple[Conversation, ...]) -> None:
    """No twelve letters in a row of the shared conversations stand in it."""

    def runs(text: str) -> set[str]:
        letters = "".join(re.findall(r"\w", text))
        return {letters[at : at + LONGEST_SHARED + 1] for at in range(len(letters) - LONGEST_SHARED)}

    gold = [json.loads(path.read_text("utf-8")) for path in sorted(shared("conversations").glob("*.json"))]
    measured = set[str]().union(*(runs(turn["text"]) for one in gold for turn in one.get("turns", ())))
    assert measured
    assert [one.id for one in everything if any(runs(turn.text) & measured for turn in one.turns)] == []


def _broken(change: Callable[[dict[str, Any]], object]) -> bytes:
    turn = {"role": "customer", "text": "我等了半天了", "sentiment": "negative"}
    event = {"kind": "complaint", "turns": [0], "aspect": "wait", "severity": 2, "touchpoint": "wait"}
    value: dict[str, Any] = {
        "id": "counter-9001",
        "writer": "w0",
        "industry": "bank_branch",
        "date": "2026-03-02T09:00:00+08:00",
        "channel": "counter",
        "turns": [turn | {"intents": ["complain"], "aspects": [], "pii": []}],
        "events": [event | {"quote": "等了半天"}],
        "overall": "negative",
    }
    change(value)
    return lzma.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["events"][0].update(quote="等了一天"),
        lambda one: one["events"][0].update(turns=[1]),
        lambda one: one["events"][0].update(kind="anger"),
        lambda one: one["turns"][0].update(pii=[{"kind": "mobile", "text": "19900000000"}]),
        lambda one: one["turns"][0].update(intents=["apologise"]),
        lambda one: one["turns"][0].update(promise={"what": "打电话", "due": None, "due_date": None}),
        lambda one: one["turns"][0].update(mood="sad"),
        lambda one: one.update(date="2026-03-02T09:00:00"),
        lambda one: one.update(second={"turns": [], "events": []}),
    ],
)
def test_a_broken_conversation_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Whoever adds to the set is told which conversation is wrong."""
    path = tmp_path / "set.jsonl.xz"
    path.write_bytes(_broken(lambda one: None))
    assert conversations(path)[0].id == "counter-9001"
    path.write_bytes(_broken(change))
    with pytest.raises(UnderstandingError, match="counter-9001") as caught:
        conversations(path)
    assert caught.value.code == "broken_line"


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """Neither an empty file nor another format passes for the set."""
    path = tmp_path / "set.jsonl.xz"
    path.write_bytes(content)
    with pytest.raises(UnderstandingError):
        conversations(path)
