"""Rules as data: staff acts, aspects, roles, and which intents the fine labels stand for."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.labels import Aspect, Intent, Role, StaffAct
from nlp.mapping import intent_of
from nlp.normalise import normalise
from nlp.patterns import read_rules
from nlp.roles import read_roles

ACTS = read_rules("acts", label="act")


def acts(text: str) -> set[str]:
    return {rule.label for rule in ACTS if rule.holds(normalise(text).text)}


def test_every_rule_gives_a_known_label() -> None:
    """All seven staff acts and all nine aspects have a rule, and there is no other."""
    assert {rule.label for rule in ACTS} == set(StaffAct)
    assert {rule.label for rule in read_rules("aspects", label="aspect")} == set(Aspect)


@pytest.mark.parametrize(
    "text",
    [
        "我明天下午三点前给您回电话",
        "三个工作日之内给您答复",
        "周五之前把两份方案发您邮箱",
        "修好了我给您送到家里，今晚八点前给您通知",
        "钥匙我先给您留着",
        "我们保证不再多收一分钱",
    ],
)
def test_promises_are_heard(text: str) -> None:
    """What will be done for the customer, by when or how surely, is a promise."""
    assert "promise" in acts(text)


@pytest.mark.parametrize(
    "text",
    [
        "这个我不敢打包票",
        "我们会注意的",
        "我尽量明天给您答复",
        "这个我真不能替公司答应您",
        "一般三到五个工作日到账",
        "明天给您打电话可以吗",
        "我争取这周之内给您回复",
    ],
)
def test_hedges_are_no_promises(text: str) -> None:
    """Hedged, asked or general statements promise nothing."""
    assert "promise" not in acts(text)


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("您好，欢迎光临", "greet"),
        ("实在抱歉，让您久等了", "apologise"),
        ("麻烦您出示一下身份证", "identity_check"),
        ("这款不保本，可能会亏损", "risk_disclosure"),
        ("我建议您选两年期的", "recommend"),
        ("因为系统升级，今天办不了", "explain"),
    ],
)
def test_acts_are_heard(text: str, act: str) -> None:
    """Each staff act is known by its usual words."""
    assert act in acts(text)


@pytest.mark.parametrize(
    ("fine", "intent"),
    [
        ("买家表达不满/生气", Intent.COMPLAIN),
        ("买家咨询退款时间", Intent.CANCEL),
        ("买家咨询商品价格", Intent.CONSULT_PRICE),
        ("买家咨询商品重量", Intent.CONSULT_PRODUCT),
        ("买家咨询如何加入会员", Intent.CONSULT_PRICE),
        ("买家表示伤心难过", None),
    ],
)
def test_the_first_pattern_of_the_mapping_decides(fine: str, intent: Intent | None) -> None:
    """A fine label stands for the intent of the first pattern that occurs in it, or for none."""
    assert intent_of(fine) is intent


roles = st.sampled_from(list(Role))
odds = st.floats(-20, 20)


@given(st.lists(st.tuples(roles, odds), max_size=8), st.floats(0.05, 0.95))
def test_reading_roles_is_fair(turns: list[tuple[Role, float]], change: float) -> None:
    """Given roles are kept, and with the evidence turned round each reading turns round."""
    other = {Role.STAFF: Role.CUSTOMER, Role.CUSTOMER: Role.STAFF, Role.UNKNOWN: Role.UNKNOWN}
    given_roles, evidence = [role for role, _ in turns], [value for _, value in turns]
    read = read_roles(given_roles, evidence, change=change, known_from=0.7)
    turned = read_roles(
        [other[role] for role in given_roles], [-value for value in evidence], change=change, known_from=0.7
    )
    for role, (found, probability), (opposite, also) in zip(given_roles, read, turned, strict=True):
        assert role in (Role.UNKNOWN, found)
        assert opposite is other[found]
        assert probability == pytest.approx(also)
        assert 0.5 <= probability <= 1


def test_a_neighbour_tells_who_speaks() -> None:
    """A turn that says nothing of itself is read from its neighbours; alone it stays unknown."""
    between = read_roles([Role.STAFF, Role.UNKNOWN, Role.STAFF], [0, 0, 0], change=0.8, known_from=0.7)
    assert between[1][0] is Role.CUSTOMER
    assert read_roles([Role.UNKNOWN], [0.0], change=0.8, known_from=0.7)[0][0] is Role.UNKNOWN


def test_no_words_outweigh_everything() -> None:
    """Endless evidence gives a probability, not an overflow."""
    ((role, probability),) = read_roles([Role.UNKNOWN], [inf], change=0.8, known_from=0.7)
    assert role is Role.STAFF
    assert probability < 1
