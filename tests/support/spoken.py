"""Spoken utterances with labels, for tests of what is made of them."""

from collections.abc import Sequence
from uuid import UUID

from models.analysis import Analysis, Label
from models.ids import derived_id
from models.labels import Role, Sentiment
from nlp.events.derive import Spoken


def said(
    text: str,
    *,
    at: int = 0,
    role: Role = Role.CUSTOMER,
    heard_role: Role | None = None,
    feeling: Sentiment | None = None,
    sure: float = 0.9,
    labels: Sequence[str] = (),
    quarantined: bool = False,
) -> Spoken:
    """Return the utterance at place `at` of a conversation, five seconds each; no feeling means uncertain."""
    identity: UUID = derived_id("test", at, text)
    analysis = Analysis(
        utterance_id=identity,
        role=role,
        sentiment=feeling or Sentiment.NEUTRAL,
        sentiment_probability=sure,
        sentiment_uncertain=feeling is None,
        intents=tuple(Label(name=name, probability=0.9) for name in labels),
        model="test-1",
    )
    return Spoken(
        id=identity,
        start_ms=at * 5000,
        end_ms=at * 5000 + 4000,
        text=text,
        role=role if heard_role is None else heard_role,
        quarantined=quarantined,
        analysis=analysis,
    )
