"""Events are derived from words and labels by the shipped rules."""

from datetime import datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labels import EventKind, Role, Sentiment
from nlp.events.derive import EventDraft, Spoken, derive
from nlp.events.rules import shipped_rules
from support.spoken import said

RULES = shipped_rules()
MORNING = datetime.fromisoformat("2026-03-02T09:00:00+08:00")

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
    drafts = {draft.kind: draft for draft in derive([said(text)], rules=RULES, at=MORNING)}
    assert kind in drafts
    assert drafts[kind].quote in text
    assert not quote or drafts[kind].quote == quote


ROUTINE_OF_CUSTOMERS = [
    "谢谢啊，再见",
    "要不要盖章啊",
    "换两千块零钱",
    "还能跑多久",
    "便宜没好货嘛，不贵",
    "麻烦帮我取个号",
    "我来取包裹",
    "密码输六位是吧",
    "好，那我先走了",
    "身份证在这儿",
    "今天天气真热",
    "刷卡还是现金",
    "我等一下我儿子",
    "这个字签哪儿",
    "行，没问题",
    "你们几点下班",
    "没带，明天给你拿来",
    "第一次来，不太熟",
    "我换个座位",
    "哦，那就这样吧",
    "不用了谢谢",
    "我自己来",
    "上次也是在你这儿办的",
    "那我等你电话",
    "嗯，我看看",
    "就这一张卡",
    "帮我存一万",
    "这个怎么用",
    "我老婆让我来的",
    "转给我儿子",
    "打印两份",
    "我要取五千",
    "在哪儿交钱",
    "好的好的，谢谢",
    "发票抬头是公司",
    "加九五的，加满",
    "我先试试这件",
    "有大一码的吗",
    "可以开始了",
    "我把手机号报给你",
    "钥匙在桌上",
    "坏的是这台",
    "电视没声音了",
    "下水道堵了",
    "灯不亮了",
    "车胎扎了个钉子",
    "我来办理赔，上个月住院了",
    "我想挂失一张卡",
    "手机丢了，要补卡",
    "一共多少钱",
    "我跟他一起来的",
    "经理在里面等我",
    "我是经理介绍来的",
    "请问王经理在吗",
    "我昨天买的衣服，想换个码",
    "隔壁就是我家",
    "网上预约的",
    "从网上看到的地址",
    "我们公司有十个人",
    "等我十分钟",
    "我去年买的",
    "两年了",
    "谁先来的",
    "还有别的事吗，没了",
    "再见啊",
    "你好，我来拿快递",
    "办张卡",
    "我的号是多少",
    "这个是原价吗",
    "有会员卡",
    "不用袋子",
    "扫这里是吧",
    "我看一下",
    "行，那就这样",
    "我先坐会儿",
    "要签几个字",
    "给我换张新的",
    "我想咨询个事",
    "好，麻烦你了",
    "谢谢，辛苦了",
    "对，就是这个",
    "昨天打过电话的",
    "我姓李",
    "住三楼",
    "嗯，听明白了",
    "大概多久",
    "明天也行",
    "能刷信用卡吗",
    "孩子五岁",
    "没有了，就这些",
    "水龙头漏水",
    "空调不制冷",
    "洗衣机不转了",
    "开不了机",
    "屏幕碎了，能修吗",
    "我上次在这儿买的鞋",
    "我爱人的名字",
    "两个人",
    "门口那辆白的",
    "保养，两万公里",
    "对面停车场",
    "他们公司报销",
    "再便宜也不要了",
    "这个不贵",
    "我在网上下的单",
]
ROUTINE_OF_STAFF = [
    "一般三天能到",
    "您明天上午过来就行",
    "我们十点开门",
    "上次是周三给您送的",
    "明天可能会下雨",
    "周末我们都上班",
    "您下午三点以后打这个电话",
    "这边给您办好了",
    "我帮您看看",
    "我给您倒杯水",
    "您稍等，我去问一下",
    "请您在这里签字",
    "我现在给您查",
    "到期前会有短信提醒",
    "三点的那场还有位置",
    "我给您介绍一下",
    "合同期是三年",
    "这个三天就能用完",
    "您后天再来看看",
    "我们明天休息",
    "一般两个工作日到账",
    "这款去年卖得最好",
    "我先给您登记一下",
    "您看这样行吗",
    "下午人比较少",
    "上午来办的人多",
    "我建议您选这个",
    "给您发票",
]


def test_routine_words_raise_nothing() -> None:
    """A visit without an experience in it has no events, not even with the labels of a visit on it."""
    for text in ROUTINE_OF_CUSTOMERS:
        routine = said(text, labels=["consult_process", "chitchat", "provide_info"])
        assert derive([routine], rules=RULES, at=MORNING) == [], text


def test_what_staff_say_all_day_is_no_promise() -> None:
    """Times and actions in plain information are no commitments."""
    for text in ROUTINE_OF_STAFF:
        assert derive([said(text, role=Role.STAFF)], rules=RULES, at=MORNING) == [], text


def test_a_label_alone_raises_nothing() -> None:
    """Labels that only strengthen what words say raise no event by themselves."""
    assert (
        derive(
            [said("嗯，是的。", labels=["praise", "cancel", "compare"], feeling=Sentiment.POSITIVE)],
            rules=RULES,
            at=MORNING,
        )
        == []
    )


def test_a_sure_complaint_needs_the_feeling_too() -> None:
    """Without words that prove it, a complaint takes a sure label and a surely negative feeling; half of it is none."""

    def kinds(feeling: Sentiment | None, sure: float, *labels: str) -> list[EventKind]:
        spoken = said("嗯，就是这个样子的。", labels=labels, feeling=feeling, sure=sure)
        return [draft.kind for draft in derive([spoken], rules=RULES, at=MORNING)]

    assert kinds(Sentiment.NEGATIVE, 0.9, "complain") == [EventKind.COMPLAINT]
    assert kinds(Sentiment.NEGATIVE, 0.6, "complain") == []
    assert kinds(Sentiment.NEUTRAL, 0.9, "complain") == []
    assert kinds(None, 0.9, "complain") == []
    assert kinds(Sentiment.NEGATIVE, 0.9) == []


def test_a_promise_needs_a_time_and_no_hedge() -> None:
    """Staff promise with a time and an action; hedges, questions and instructions are no promises."""

    def promises(text: str) -> list[str]:
        return [draft.quote for draft in derive([said(text, role=Role.STAFF)], rules=RULES, at=MORNING)]

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
    assert derive([said(text, role=Role.STAFF)], rules=RULES, at=MORNING) == []
    assert derive([said(text, role=Role.STAFF, heard_role=Role.UNKNOWN)], rules=RULES, at=MORNING) == []
    assert derive([said(text, role=Role.CUSTOMER, heard_role=Role.UNKNOWN)], rules=RULES, at=MORNING) != []


def test_suspect_text_raises_nothing() -> None:
    """A quarantined utterance never becomes an event."""
    assert derive([said("以后再也不来你们家了。", quarantined=True)], rules=RULES, at=MORNING) == []


def test_an_utterance_without_analysis_raises_nothing() -> None:
    """What was not analysed is not guessed at."""
    spoken = said("以后再也不来你们家了。").model_copy(update={"analysis": None})
    assert derive([spoken], rules=RULES, at=MORNING) == []


def test_a_happy_voice_silences_a_doubtful_complaint() -> None:
    """A certain positive feeling outweighs words that could be a complaint."""
    words = "等了十分钟。"
    assert derive([said(words, feeling=Sentiment.NEGATIVE)], rules=RULES, at=MORNING) != []
    assert derive([said(words, feeling=Sentiment.POSITIVE)], rules=RULES, at=MORNING) == []


def test_the_same_matter_said_twice_is_one_event() -> None:
    """Neighbouring utterances about one matter make one event with both; another matter makes its own."""
    talk = [
        said("我排队等了两个小时。", at=0),
        said("不好意思。", at=1, role=Role.STAFF),
        said("窗口只开一个，太慢了。", at=2),
        said("你这是什么态度啊。", at=4),
    ]
    drafts = derive(talk, rules=RULES, at=MORNING)
    assert [draft.utterance_ids for draft in drafts] == [(talk[0].id, talk[2].id), (talk[3].id,)]


def test_far_apart_the_same_matter_is_two_events() -> None:
    """What comes up again much later is told again."""
    talk = [said("我排队等了两个小时。", at=0)]
    talk += [said("嗯。", at=place) for place in range(1, 20)]
    talk.append(said("我又等了一个小时。", at=20))
    assert len(derive(talk, rules=RULES, at=MORNING)) == 2


def test_a_quote_is_never_only_a_mask() -> None:
    """A quote says something beside the masked words."""
    draft = derive([said("我打12315，〔手机号〕，以后再也不来你们家了。")], rules=RULES, at=MORNING)[-1]
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
def test_the_order_of_arrival_does_not_matter(turns: list[tuple[str, Role, Sentiment | None]], shuffle: Random) -> None:
    """Deriving twice, from records in any order, gives the same events."""
    talk = _talk(turns)
    shuffled = list(talk)
    shuffle.shuffle(shuffled)
    assert derive(shuffled, rules=RULES, at=MORNING) == derive(talk, rules=RULES, at=MORNING)


@settings(max_examples=150, deadline=None)
@given(turns=_TURNS)
def test_a_quote_stands_in_the_first_utterance(turns: list[tuple[str, Role, Sentiment | None]]) -> None:
    """Every quote is an exact part of the text of the event's first utterance."""
    talk = _talk(turns)
    text_of = {spoken.id: spoken.text for spoken in talk}
    drafts: list[EventDraft] = derive(talk, rules=RULES, at=MORNING)
    for draft in drafts:
        assert draft.quote.strip()
        assert draft.quote in text_of[draft.utterance_ids[0]]
        assert 1 <= draft.severity <= 3
        assert 0 < draft.probability < 1
