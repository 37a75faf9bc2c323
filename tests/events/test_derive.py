"""Events are derived from words and labels by the shipped rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.spoken import said

from models.labels import EventKind, Role, Sentiment
from server.events.derive import EventDraft, Spoken, derive
from server.events.rules import shipped_rules

RULES = shipped_rules()

# What each kind sounds like, in words of no shared conversation.
SPOKEN_KINDS = [
    (EventKind.COMPLAINT, "我排队等了两个小时，才轮到我。", "我排队等了两个小时"),
    (EventKind.COMPLAINT, "你这是什么态度啊，会不会说话。", "你这是什么态度啊"),
    (EventKind.ESCALATION, "再不解决，我就打12315了。", "我就打12315了"),
    (EventKind.ESCALATION, "把你们经理叫来，叫你们经理来跟我说。", "叫你们经理来跟我说"),
    (EventKind.COMPENSATION_CLAIM, "那这个钱，你们得退我。", ""),
    (EventKind.CHURN_SIGNAL, "以后再也不来你们家了。", "以后再也不来你们家了"),
    (EventKind.PRICE_OBJECTION, "一个月八百，这也太贵了吧。", "这也太贵了吧"),
    (EventKind.COMPARISON, "网上旗舰店才卖三百。", "网上旗舰店才卖三百"),
    (EventKind.HESITATION, "我得跟家里人商量一下，我再想想。", ""),
    (EventKind.PURCHASE_INTENT, "好，那就这款吧，现在下单。", ""),
    (EventKind.SUGGESTION, "建议你们多放几把椅子。", "建议你们多放几把椅子"),
    (EventKind.PRAISE, "小姑娘服务态度真好，说得很专业。", ""),
]


@pytest.mark.parametrize(("kind", "text", "quote"), SPOKEN_KINDS)
def test_each_kind_is_heard_in_plain_words(kind: EventKind, text: str, quote: str) -> None:
    """Words that leave no doubt raise their event without any label, with a quote of their clause."""
    drafts = {draft.kind: draft for draft in derive([said(text)], rules=RULES)}
    assert kind in drafts
    assert drafts[kind].quote in text
    assert not quote or drafts[kind].quote == quote


@pytest.mark.parametrize(
    "text",
    [
        "谢谢啊，再见。",
        "嗯，好的。",
        "要不要盖章啊？",
        "换两千块零钱。",
        "这是单子。",
        "还能跑多久？",
        "便宜没好货嘛，不贵。",
    ],
)
def test_routine_words_raise_nothing(text: str) -> None:
    """A visit without an experience in it has no events, not even with labels on it."""
    assert derive([said(text, labels=["consult_process", "chitchat", "provide_info"])], rules=RULES) == []


def test_a_label_alone_raises_nothing() -> None:
    """However sure the model is, an event needs words that prove it."""
    assert derive([said("嗯，是的。", labels=["complain", "praise"], feeling=Sentiment.NEGATIVE)], rules=RULES) == []


def test_a_promise_needs_a_time_and_no_hedge() -> None:
    """Staff promise with a time and an action; hedges, questions and instructions are no promises."""

    def promises(text: str) -> list[str]:
        return [draft.quote for draft in derive([said(text, role=Role.STAFF)], rules=RULES)]

    assert promises("好的，明天下午三点前我给您回电话。") == ["明天下午三点前我给您回电话"]
    assert promises("后天上午，我给您送过来。") == ["后天上午，我给您送过来"]
    for text in (
        "我们会注意的。",
        "明天我不敢打包票。",
        "明天我尽量给您回电话。",
        "我给您登记一下。",
        "您明天可以自己来取吗？",
    ):
        assert promises(text) == []


def test_staff_words_are_never_the_customers() -> None:
    """A complaint in the mouth of staff is no complaint, whether the device or the words say who speaks."""
    text = "我排队等了两个小时，你这是什么态度啊。"
    assert derive([said(text, role=Role.STAFF)], rules=RULES) == []
    assert derive([said(text, role=Role.STAFF, heard_role=Role.UNKNOWN)], rules=RULES) == []
    assert derive([said(text, role=Role.CUSTOMER, heard_role=Role.UNKNOWN)], rules=RULES) != []


def test_suspect_text_raises_nothing() -> None:
    """A quarantined utterance never becomes an event."""
    assert derive([said("以后再也不来你们家了。", quarantined=True)], rules=RULES) == []


def test_an_utterance_without_analysis_raises_nothing() -> None:
    """What was not analysed is not guessed at."""
    spoken = said("以后再也不来你们家了。").model_copy(update={"analysis": None})
    assert derive([spoken], rules=RULES) == []


def test_a_happy_voice_silences_a_doubtful_complaint() -> None:
    """A certain positive feeling outweighs words that could be a complaint."""
    words = "等了十分钟。"
    assert derive([said(words, feeling=Sentiment.NEGATIVE)], rules=RULES) != []
    assert derive([said(words, feeling=Sentiment.POSITIVE)], rules=RULES) == []


def test_the_same_matter_said_twice_is_one_event() -> None:
    """Neighbouring utterances about one matter make one event with both; another matter makes its own."""
    talk = [
        said("我排队等了两个小时。", at=0),
        said("不好意思。", at=1, role=Role.STAFF),
        said("窗口只开一个，太慢了。", at=2),
        said("你这是什么态度啊。", at=4),
    ]
    drafts = derive(talk, rules=RULES)
    assert [draft.utterance_ids for draft in drafts] == [(talk[0].id, talk[2].id), (talk[3].id,)]


def test_far_apart_the_same_matter_is_two_events() -> None:
    """What comes up again much later is told again."""
    talk = [said("我排队等了两个小时。", at=0)]
    talk += [said("嗯。", at=place) for place in range(1, 20)]
    talk.append(said("我又等了一个小时。", at=20))
    assert len(derive(talk, rules=RULES)) == 2


def test_a_quote_is_never_only_a_mask() -> None:
    """A quote says something beside the masked words."""
    draft = derive([said("我打12315，〔手机号〕，以后再也不来你们家了。")], rules=RULES)[-1]
    assert draft.quote.replace("〔手机号〕", "")


_WORDS = st.sampled_from(
    [text for _, text, _ in SPOKEN_KINDS] + ["嗯", "〔手机号〕", "明天我给您回电话", "好的，谢谢", " "]
)
_TURNS = st.lists(
    st.builds(
        lambda words, role, feeling: ("".join(words) or "嗯", role, feeling),
        st.lists(_WORDS, max_size=4),
        st.sampled_from(Role),
        st.sampled_from([None, *Sentiment]),
    ),
    max_size=8,
)


def _talk(turns: list[tuple[str, Role, Sentiment | None]]) -> list[Spoken]:
    return [said(text, at=at, role=role, feeling=feeling) for at, (text, role, feeling) in enumerate(turns)]


@settings(max_examples=150, deadline=None)
@given(turns=_TURNS, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(turns: list[tuple[str, Role, Sentiment | None]], shuffle: object) -> None:
    """Deriving twice, from records in any order, gives the same events."""
    talk = _talk(turns)
    shuffled = list(talk)
    shuffle.shuffle(shuffled)  # type: ignore[attr-defined]
    assert derive(shuffled, rules=RULES) == derive(talk, rules=RULES)


@settings(max_examples=150, deadline=None)
@given(turns=_TURNS)
def test_a_quote_stands_in_the_first_utterance(turns: list[tuple[str, Role, Sentiment | None]]) -> None:
    """Every quote is an exact part of the text of the event's first utterance."""
    talk = _talk(turns)
    text_of = {spoken.id: spoken.text for spoken in talk}
    drafts: list[EventDraft] = derive(talk, rules=RULES)
    for draft in drafts:
        assert draft.quote.strip()
        assert draft.quote in text_of[draft.utterance_ids[0]]
        assert 1 <= draft.severity <= 3
        assert 0 < draft.probability < 1
