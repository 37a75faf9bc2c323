"""The shipped models, asked about single turns and conversations."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.labels import Intent, Role, Sentiment
from nlp.understanding import Turn, Understanding, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return load()


def turns(texts: Sequence[str], role: Role = Role.CUSTOMER) -> list[Turn]:
    return [Turn(UUID(int=number), role, number * 1000, number * 1000 + 900, text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "sentiment", "intent", "aspect"),
    [
        ("排队排了一个半小时，就开一个窗口，太慢了", Sentiment.NEGATIVE, Intent.COMPLAIN, "wait"),
        ("你们这服务态度也太差了", Sentiment.NEGATIVE, Intent.COMPLAIN, "attitude"),
        ("师傅手艺真好，修得又快又干净，谢谢啊", Sentiment.POSITIVE, Intent.PRAISE, "expertise"),
        ("五千块太贵了，能不能便宜点", Sentiment.NEGATIVE, Intent.PRICE_OBJECTION, "price"),
    ],
)
def test_plain_feeling_is_understood(
    understanding: Understanding, text: str, sentiment: Sentiment, intent: Intent, aspect: str
) -> None:
    """Plain complaints, praise and objections get their sentiment, intent and aspect."""
    (analysis,) = understanding.analyse(turns([text]))
    assert analysis.sentiment is sentiment
    assert not analysis.sentiment_uncertain
    assert intent in [label.name for label in analysis.intents if label.probability > 0.5]
    assert aspect in [label.name for label in analysis.aspects]


@pytest.mark.parametrize(
    "text",
    [
        "好的",
        "可以",
        "我叫王某某",
        "身份证在这里",
        "在哪里签字",
        "嗯，知道了",
        "办卡要带什么材料",
        "这个多少钱",
        "我的手机号是〔手机号〕",
    ],
)
def test_routine_is_neither_complaint_nor_praise(understanding: Understanding, text: str) -> None:
    """Routine turns stay neutral and raise no complaint, praise or escalation."""
    (analysis,) = understanding.analyse(turns([text]))
    assert analysis.sentiment is Sentiment.NEUTRAL or analysis.sentiment_uncertain
    assert not {label.name for label in analysis.intents} & {Intent.COMPLAIN, Intent.PRAISE, Intent.ESCALATE}


@pytest.mark.parametrize("text", ["", " ", "嗯", "嗯嗯，啊……", "。！？", "😀😀", "\ud800", "\x00\x01", "哦"])
def test_wordless_turns_are_uncertain(understanding: Understanding, text: str) -> None:
    """Where no word was said, the models abstain from everything."""
    (analysis,) = understanding.analyse(turns([text]))
    assert analysis.sentiment_uncertain
    assert (analysis.intents, analysis.aspects) == ((), ())


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.text(st.characters(codec=None), max_size=60), max_size=5), role=st.sampled_from(list(Role)))
def test_any_text_gets_an_analysis(understanding: Understanding, texts: list[str], role: Role) -> None:
    """Whatever was said, each turn gets one analysis with its own id, and the same one again."""
    asked = turns(texts, role)
    found = understanding.analyse(asked)
    assert [one.utterance_id for one in found] == [turn.utterance_id for turn in asked]
    assert found == understanding.analyse(asked)
    assert all(role in (Role.UNKNOWN, one.role) for one in found)


def test_the_longest_text_is_analysed(understanding: Understanding) -> None:
    """A text of 20,000 characters gets an analysis as a short one does."""
    (analysis,) = understanding.analyse(turns(["等了一个小时还没轮到我。" * 1667]))
    assert analysis.sentiment is Sentiment.NEGATIVE


def test_staff_have_acts_and_no_intents(understanding: Understanding) -> None:
    """The same words of regret are an act of staff; a customer has intents and no acts."""
    text = "非常抱歉，让您等了一个小时"
    (staff,) = understanding.analyse(turns([text], Role.STAFF))
    (customer,) = understanding.analyse(turns([text], Role.CUSTOMER))
    assert [label.name for label in staff.acts] == ["apologise"]
    assert (staff.intents, staff.aspects) == ((), ())
    assert staff.sentiment is Sentiment.NEUTRAL
    assert customer.acts == ()


def test_roles_are_read_where_nobody_said_them(understanding: Understanding) -> None:
    """Turns without a role are told apart by their words and neighbours."""
    said = [
        "您好，请问有什么可以帮您",
        "我想把这张卡注销了",
        "好的，麻烦您出示一下身份证",
        "给你",
        "请您在这里签字，稍等我帮您办",
    ]
    roles = [one.role for one in understanding.analyse(turns(said, Role.UNKNOWN))]
    assert roles == [Role.STAFF, Role.CUSTOMER, Role.STAFF, Role.CUSTOMER, Role.STAFF]


def test_a_mask_carries_no_feeling(understanding: Understanding) -> None:
    """Which kind of personal data was masked changes neither sentiment nor its probability."""
    kinds = ("手机号", "身份证号", "银行卡号")
    assert len({understanding.feeling(f"我的是〔{kind}〕，你记一下") for kind in kinds}) == 1


def test_reasons_stand_in_the_text(understanding: Understanding) -> None:
    """What explains a label are characters of the text, strongest first."""
    reasons = understanding.explain("等了一个小时，太慢了")
    assert {reason.label for reason in reasons} >= {"negative", "complain"}
    assert all(reason.words in "等了0个小时太慢了" or reason.words in "等了一个小时太慢了" for reason in reasons)
    weights = [reason.weight for reason in reasons if reason.label == "complain"]
    assert weights == sorted(weights, reverse=True)


def test_analyses_do_not_depend_on_the_process() -> None:
    """Two processes with different hash seeds give the same figures to the last bit."""
    program = (
        "from uuid import UUID; from models.labels import Role; from nlp.understanding import Turn, load;"
        "turn = Turn(UUID(int=1), Role.UNKNOWN, 0, 9, '这个利率也太低了，我再考虑考虑');"
        "print(load().analyse([turn])[0].model_dump_json())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert b"price_objection" in outputs.pop()


def test_terms_leave_no_cache_behind(tmp_path: Path) -> None:
    """Finding key terms writes nothing into the temporary folder and nothing to the terminal."""
    program = "from nlp.terms import terms; print(' '.join(terms().find('我想问一下重疾险的等待期和免赔额')))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().split() == ["重疾险", "等待期", "免赔额"]
    assert done.stderr == b""
    assert list(tmp_path.iterdir()) == []
