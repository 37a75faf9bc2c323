"""Promises are found in what staff say, and later words settle them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.commitment import Commitment, CommitmentState, Due
from models.labels import Role
from nlp.commitments.detect import find_promise
from nlp.commitments.states import LaterWords, settled
from nlp.training.counter import conversations

AT = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
HERE, THERE = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("text", "quote", "words"),
    [
        ("行，明天上午十点之前我给您回电话。", "明天上午十点之前我给您回电话", "明天上午十点之前"),
        ("退款三到五个工作日到账，您留意短信。", "退款三到五个工作日到账", "三到五个工作日"),
        ("我跟仓库说，周四给您补一套新的过来。", "周四给您补一套新的过来", "周四"),
        ("报告后天出来，我让同事送到您单位。", "报告后天出来，我让同事送到您单位", "后天"),
        ("镜片一到我就给您打电话。", "镜片一到我就给您打电话", None),
        ("我保证把这个事给您解决了。", "我保证把这个事给您解决了", None),
    ],
)
def test_promises_are_quoted_with_their_time(text: str, quote: str, words: str | None) -> None:
    """The quote is the stretch from the time to the deed; without a time there is no due."""
    promise = find_promise(text, at=AT)
    assert promise is not None
    assert promise.quote == quote == text[promise.start : promise.end]
    assert (promise.due.words if promise.due else None) == words


@pytest.mark.parametrize(
    "text",
    [
        "我尽量明天上午给您答复。",
        "应该后天能修好吧。",
        "一般来说三到五个工作日到账。",
        "可能下周三给您送到。",
        "明天我不给您送了。",
        "下午我没法给您回电话。",
        "您明天上午带着身份证过来。",
        "麻烦您后天把材料寄给我们。",
        "明天给您送过去，可以吗？",
        "要是周五之前到货，我给您打电话。",
        "我们每天上午九点上班。",
        "昨天下午给您打过电话。",
        "您坐一下，二十分钟。",
        "这个我不敢打包票。",
        "",
        "嗯。",
    ],
)
def test_hedges_requests_and_questions_promise_nothing(text: str) -> None:
    """Hedged, negated, asked, conditional, past, or for the customer to do: none is a promise."""
    assert find_promise(text, at=AT) is None


def test_a_label_of_the_models_makes_a_promise_surer() -> None:
    """The staff act raises the probability, and alone makes no promise."""
    text = "明天上午我给您回电话"
    unaided, aided = find_promise(text, at=AT), find_promise(text, at=AT, labelled=0.9)
    assert unaided is not None
    assert aided is not None
    assert unaided.probability < aided.probability < 1
    assert find_promise("好的，您请坐", at=AT, labelled=1.0) is None


def test_promises_of_the_written_conversations_are_found() -> None:
    """Floors on the set that the patterns were made with: .85 precision, .84 recall, and .95 of the due dates."""
    right = invented = missed = due = 0
    for conversation in conversations():
        for turn in conversation.turns:
            if turn.role != Role.STAFF:
                continue
            promise = find_promise(turn.text, at=conversation.date)
            right += promise is not None and turn.promise is not None
            invented += promise is not None and turn.promise is None
            missed += promise is None and turn.promise is not None
            if promise and turn.promise:
                zone = conversation.date.tzinfo
                day = promise.due.until.astimezone(zone).date() if promise.due else None
                due += day == turn.promise.due_date
    assert right / (right + invented) >= 0.85
    assert right / (right + missed) >= 0.84
    assert due / right >= 0.95


def commitment(*, due: Due | None = None) -> Commitment:
    return Commitment(
        conversation_id=HERE,
        utterance_id=UUID(int=9),
        customer="C-1",
        staff="S-1",
        quote="后天上午我让师傅把滤芯给您送到家",
        due=due,
        probability=0.9,
        made_at=AT,
    )


def later(text: str, *, days: float, conversation: UUID = THERE, role: Role = Role.CUSTOMER) -> LaterWords:
    return LaterWords(conversation_id=conversation, said_at=AT + timedelta(days=days), role=role, text=text)


DUE = Due(words="后天上午", since=AT + timedelta(days=2), until=AT + timedelta(days=2, hours=2))


def test_silence_proves_nothing() -> None:
    """Before its time a promise is open, afterwards unknown; without a time it stays open."""
    assert settled(commitment(due=DUE), [], now=AT + timedelta(days=1)).state is CommitmentState.OPEN
    assert settled(commitment(due=DUE), [], now=AT + timedelta(days=9)).state is CommitmentState.UNKNOWN
    assert settled(commitment(), [], now=AT + timedelta(days=900)).state is CommitmentState.OPEN


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("滤芯收到了，谢谢啊", CommitmentState.KEPT),
        ("师傅来过，滤芯换好了", CommitmentState.KEPT),
        ("你们说好的后天送，到现在都没人来", CommitmentState.BROKEN),
        ("那个滤芯到现在还没送来", CommitmentState.BROKEN),
        ("不是说给我送滤芯吗，结果没有", CommitmentState.BROKEN),
        ("滤芯收到了吗我不知道，我出差", CommitmentState.UNKNOWN),
        ("我那个保险单收到了", CommitmentState.UNKNOWN),
        ("今天天气不错", CommitmentState.UNKNOWN),
    ],
)
def test_later_words_of_the_customer_settle_it(text: str, state: CommitmentState) -> None:
    """Kept or broken is what the customer says of this matter in a later conversation; the rest leaves it unknown."""
    found = settled(commitment(due=DUE), [later(text, days=5)], now=AT + timedelta(days=6))
    assert found.state is state
    assert found.settled_by == (None if state is CommitmentState.UNKNOWN else THERE)


def test_only_the_customers_later_words_in_another_conversation_count() -> None:
    """Staff, the same conversation, and what is said after the moment that is asked about settle nothing."""
    text = "滤芯收到了"
    said = [
        later(text, days=5, role=Role.STAFF),
        later(text, days=0.001, conversation=HERE),
        later(text, days=8),
        later(text, days=-1),
    ]
    assert settled(commitment(due=DUE), said, now=AT + timedelta(days=6)).state is CommitmentState.UNKNOWN


def test_the_latest_verdict_stands() -> None:
    """First missing, then delivered: kept, in whatever order the words arrive."""
    said = [later("滤芯到现在还没送", days=3), later("滤芯送到了", days=5, conversation=UUID(int=3))]
    for order in (said, said[::-1]):
        found = settled(commitment(due=DUE), order, now=AT + timedelta(days=6))
        assert (found.state, found.settled_by) == (CommitmentState.KEPT, UUID(int=3))


@given(
    st.lists(
        st.tuples(st.sampled_from(["滤芯收到了", "滤芯到现在还没送", "你好"]), st.floats(min_value=-3, max_value=30)),
        max_size=6,
    ),
    st.floats(min_value=0, max_value=30),
)
def test_settling_twice_changes_nothing(said: list[tuple[str, float]], day: float) -> None:
    """The state depends on what is known, not on the state before."""
    words = [later(text, days=days) for text, days in said]
    once = settled(commitment(due=DUE), words, now=AT + timedelta(days=day))
    assert settled(once, words, now=AT + timedelta(days=day)) == once


def test_impossible_commitments_are_refused() -> None:
    """A due time in order, and a verdict only with the conversation that gave it."""
    with pytest.raises(ValidationError, match="ends before it begins"):
        Due(words="明天", since=AT, until=AT - timedelta(seconds=1))
    with pytest.raises(ValidationError, match="settles"):
        Commitment.model_validate(commitment().model_dump() | {"state": "broken"})
    assert DUE.since.tzinfo is UTC
