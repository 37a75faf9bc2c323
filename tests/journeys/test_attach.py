"""Events and utterances are placed on a map, and visits are scored."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.journey import Bilingual, JourneyMap, PlacementRule, Stage, Touchpoint
from models.labels import EventKind, Role, Sentiment
from nlp.events.derive import EventDraft, Spoken, derive
from nlp.events.rules import shipped_rules
from nlp.gold import UNDATED
from nlp.journeys.attach import Journey, Placement
from nlp.journeys.shipped import shipped_maps
from support.spoken import said


def shop(*rules: PlacementRule) -> JourneyMap:
    """Return a small map with the given rules."""
    return JourneyMap(
        name="shop",
        title=Bilingual(zh="店", en="Shop"),
        stages=(
            Stage(code="in", name=Bilingual(zh="进", en="In")),
            Stage(code="out", name=Bilingual(zh="出", en="Out")),
        ),
        touchpoints=(
            Touchpoint(code="door", name=Bilingual(zh="门", en="Door"), stage="in"),
            Touchpoint(code="till", name=Bilingual(zh="收银", en="Till"), stage="out", mot=True),
        ),
        rules=rules,
        default_touchpoint="door",
    )


def complaint(spoken: Spoken) -> EventDraft:
    """Return a complaint in an utterance."""
    return EventDraft(
        kind=EventKind.COMPLAINT,
        utterance_ids=(spoken.id,),
        quote=spoken.text,
        aspect=None,
        sentiment=Sentiment.NEGATIVE,
        severity=2,
        probability=0.8,
        start_ms=spoken.start_ms,
    )


def placed(talk: list[Spoken], journey: JourneyMap, *, at: int = 0, channel: str = "counter") -> Placement:
    """Place a complaint in one utterance of a talk."""
    return Journey(talk, journey=journey, channel=channel).place_event(complaint(talk[at]))


TILL = PlacementRule(touchpoint="till", words=("收银", "结账"), weight=2)


def test_without_evidence_an_event_is_at_the_default() -> None:
    """Where nothing speaks for a touchpoint, the default takes the event for certain."""
    assert placed([said("太慢了")], shop(TILL)) == (shop().touchpoints[0], 1.0)


def test_words_nearby_place_an_event() -> None:
    """What staff say just before places what the customer says."""
    talk = [said("这边结账", at=0, role=Role.STAFF), said("太慢了", at=1)]
    found = placed(talk, shop(TILL), at=1)
    assert found.touchpoint.code == "till"
    assert found.probability == pytest.approx(2 / 2.5)


def test_words_far_away_weigh_less() -> None:
    """The same words elsewhere in the conversation count for less, but they count."""
    talk = [said("这边结账", at=0, role=Role.STAFF), *(said("嗯", at=at) for at in range(1, 8)), said("太慢了", at=8)]
    found = placed(talk, shop(TILL), at=8)
    assert found.touchpoint.code == "till"
    assert found.probability == pytest.approx(0.6 / 1.1, abs=1e-4)


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"channels": ("counter",)}, True),
        ({"channels": ("sales",)}, False),
        ({"kinds": (EventKind.COMPLAINT,)}, True),
        ({"kinds": (EventKind.PRAISE,)}, False),
        ({"intents": ("complain",)}, True),
        ({"intents": ("praise",)}, False),
        ({"position": (0.0, 0.3)}, True),
        ({"position": (0.5, 1.0)}, False),
        ({"words": ("太慢",), "kinds": (EventKind.PRAISE,)}, False),
    ],
)
def test_every_condition_of_a_rule_must_hold(rule: dict[str, tuple[str, ...]], holds: bool) -> None:
    """A rule counts when all its conditions are met, and not at all when one is not."""
    talk = [said("太慢了", at=0, labels=["complain"]), said("嗯", at=1)]
    journey = shop(PlacementRule.model_validate({"touchpoint": "till", "weight": 5} | rule))
    assert (placed(talk, journey).touchpoint.code == "till") is holds


def test_a_visit_is_scored_by_certain_customer_utterances() -> None:
    """The score is the mean of what the customer surely felt there; staff, doubt and suspect text do not count."""
    talk = [
        said("结账", at=0, feeling=Sentiment.NEGATIVE, sure=1.0),
        said("结账", at=1, feeling=Sentiment.NEUTRAL),
        said("结账", at=2, feeling=None),
        said("结账", at=3, role=Role.STAFF, feeling=Sentiment.POSITIVE),
        said("结账", at=4, feeling=Sentiment.POSITIVE, quarantined=True),
    ]
    (visit,) = Journey(talk, journey=shop(TILL), channel="counter").visits([])
    assert (visit.touchpoint.code, visit.score, visit.n) == ("till", -1.0, 2)


def test_a_visit_without_a_certain_feeling_has_no_score() -> None:
    """Nothing known is not zero."""
    talk = [said("收银太慢了")]
    journey = Journey(talk, journey=shop(TILL), channel="counter")
    event = complaint(talk[0])
    (visit,) = journey.visits([(event, journey.place_event(event))])
    assert (visit.score, visit.n, visit.events) == (None, 0, (event,))


def test_words_that_place_nothing_stay_where_the_talk_was() -> None:
    """An utterance without a word of the map belongs to the touchpoint before it."""
    talk = [
        said("这边结账", at=0, feeling=Sentiment.NEUTRAL),
        said("嗯", at=9, feeling=Sentiment.POSITIVE, sure=1.0),
    ]
    (visit,) = Journey(talk, journey=shop(TILL), channel="counter").visits([])
    assert (visit.n, visit.score) == (2, 1.0)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.sampled_from(["排队太慢了", "理财亏了", "谢谢你真专业", "叫你们经理来", "手机银行登不上"]), max_size=8
    ),
    name=st.sampled_from(sorted(shipped_maps())),
)
def test_every_event_has_its_visit(texts: list[str], name: str) -> None:
    """On each shipped map, every event belongs to exactly one visit, and probabilities and scores keep their bounds."""
    talk = [said(text, at=at, feeling=Sentiment.NEGATIVE) for at, text in enumerate(texts)]
    journey = Journey(talk, journey=shipped_maps()[name], channel="counter")
    events = [(draft, journey.place_event(draft)) for draft in derive(talk, rules=shipped_rules(), at=UNDATED)]
    visits = journey.visits(events)
    assert sorted(id(event) for visit in visits for event in visit.events) == sorted(id(event) for event, _ in events)
    assert all(0 < placement.probability <= 1 for _, placement in events)
    assert all(visit.score is None or -2 <= visit.score <= 2 for visit in visits)
