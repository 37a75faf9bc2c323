"""What the encoder is asked: one column for each yes-or-no question, and then one for each fine intent."""

from typing import Final

from models.labels import Aspect, Intent, Sentiment, StaffAct
from nlp.training.tasks import OPINION, POSITIVE

URGENT: Final = "urgent"


def of_aspect(aspect: Aspect, polarity: Sentiment) -> str:
    """The question whether a customer finds an aspect good, or bad."""
    return f"{aspect.value}:{polarity.value}"


ASPECTS: Final = tuple(of_aspect(one, way) for one in Aspect for way in (Sentiment.NEGATIVE, Sentiment.POSITIVE))
QUESTIONS: Final = (
    OPINION,
    POSITIVE,
    *(one.value for one in Intent),
    *(one.value for one in StaffAct),
    *ASPECTS,
    URGENT,
)
"""In the order of the columns."""
