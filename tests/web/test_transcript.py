"""Claims about how an utterance is cut for display."""

from datetime import UTC, datetime
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from models.analysis import ExperienceEvent
from models.labels import EventKind, PiiKind, Sentiment
from models.text import Mask
from server.web.transcript import pieces

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def event(quote: str) -> ExperienceEvent:
    """Make an event with a quote."""
    return ExperienceEvent(
        id=uuid4(),
        tenant="t",
        kind=EventKind.COMPLAINT,
        customer=None,
        conversation_id=uuid4(),
        utterance_ids=(uuid4(),),
        quote=quote,
        sentiment=Sentiment.NEGATIVE,
        severity=1,
        probability=0.9,
        journey_map="m",
        journey_map_version=1,
        stage="s",
        touchpoint="t",
        mot=False,
        site="s",
        staff="s",
        channel="c",
        occurred_at=NOW,
        recorded_at=NOW,
        model="m",
        rules="r",
    )


def test_quotes_and_masks_are_told_apart() -> None:
    """A mask inside a quote keeps its look, the quote goes on around it."""
    complaint = event("打〔手机号〕没人接")
    found = pieces("我打〔手机号〕没人接啊", masks=[Mask(kind=PiiKind.MOBILE, start=2, end=7)], events=[complaint])
    assert [(piece.text, piece.mask, bool(piece.events)) for piece in found] == [
        ("我", None, False),
        ("打", None, True),
        ("〔手机号〕", PiiKind.MOBILE, True),
        ("没人接", None, True),
        ("啊", None, False),
    ]


def test_a_quote_that_is_not_there_marks_nothing() -> None:
    """An event whose quote stands elsewhere leaves the text as it is."""
    assert [piece.text for piece in pieces("你好", masks=[], events=[event("再见"), event("")])] == ["你好"]


@given(
    st.text(max_size=40),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=4),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=4),
)
def test_pieces_joined_are_the_text(text: str, spans: list[tuple[int, int]], quoted: list[tuple[int, int]]) -> None:
    """Nothing is lost or doubled, wherever masks and quotes stand."""
    masks = [Mask(kind=PiiKind.NUMBER, start=min(span), end=max(span)) for span in spans]
    events = [event(text[start : start + length]) for start, length in quoted]
    found = pieces(text, masks=masks, events=events)
    assert "".join(piece.text for piece in found) == text
    assert all(piece.text for piece in found)
