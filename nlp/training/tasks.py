"""Which rows answer which question: from examples to the tasks of each model."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.labels import Intent, Sentiment
from nlp.mapping import intent_of
from nlp.training.corpora import Example
from nlp.training.fit import Task
from nlp.training.phrases import Phrase

OPINION = "opinion"
"""Yes: the text carries feeling, no: it is neutral."""
POSITIVE = "positive"
"""Yes: its feeling is positive, no: negative."""
STAFF = "staff"
"""Yes: staff speak, no: a customer does."""

_CONSULTS = (Intent.CONSULT_PRODUCT, Intent.CONSULT_PROCESS, Intent.CONSULT_PRICE)
_FEELING = {Intent.COMPLAIN: Sentiment.NEGATIVE, Intent.PRAISE: Sentiment.POSITIVE}
# Reviews are longer than turns and always praise or blame: only short ones teach what that is, and count little.
_SHORT_REVIEW_CHARS = 40


@dataclass(slots=True)
class Row:
    """One text with what is known of it; None is unknown, and then it takes no part in that question."""

    text: str
    group: int
    """Rows made of the same line never stand on both sides of a fold."""
    sentiment: Sentiment | None = None
    polarity_weight: float = 0.0
    tone_weight: float = 0.0
    intents: tuple[str, ...] = ()
    intent_weight: float = 0.0
    intents_unknown: tuple[str, ...] = ()
    """Questions that this row leaves open although it answers the others."""
    role_staff: bool | None = None
    role_weight: float = 0.0
    written: bool = field(default=False)
    """Written for this project."""


def row_of_phrase(phrase: Phrase, *, staff: bool, group: int) -> Row:
    """A made turn answers every question; a staff turn only who speaks."""
    if staff:
        return Row(phrase.text, group, role_staff=True, role_weight=2.0, written=True)
    return Row(
        phrase.text,
        group,
        sentiment=Sentiment(phrase.sentiment),
        polarity_weight=1.0,
        tone_weight=2.0,
        intents=phrase.intents,
        intent_weight=1.0,
        role_staff=False,
        role_weight=1.0,
        written=True,
    )


def row_of_example(example: Example, *, group: int) -> Row:
    """What an example of a set answers depends on the kind of the set."""
    weight = example.corpus.weight
    match example.corpus.kind:
        case "polarity":
            short = len(example.text) <= _SHORT_REVIEW_CHARS
            felt = Sentiment(example.label)
            intent = next(intent for intent, feeling in _FEELING.items() if feeling == felt)
            return Row(
                example.text,
                group,
                sentiment=felt,
                polarity_weight=weight,
                tone_weight=0.2 if short else 0.0,
                intents=(intent,),
                intent_weight=0.15 if short else 0.0,
                intents_unknown=tuple(other for other in Intent if other not in _FEELING),
            )
        case "sentiment":
            # Spoken drama holds every tone of voice and no business: what is said there is no intent of a customer.
            spoken = "cped" in example.corpus.file
            return Row(
                example.text,
                group,
                sentiment=Sentiment(example.label),
                polarity_weight=weight,
                tone_weight=weight,
                intent_weight=0.15 if spoken else 0.0,
                intents_unknown=(Intent.PRAISE, Intent.CHITCHAT) if spoken else (),
            )
        case "acts":
            request = example.label == "request"
            return Row(
                example.text,
                group,
                sentiment=Sentiment.NEUTRAL,
                tone_weight=weight / 2,
                intents=() if request else (example.label,),
                intent_weight=weight,
                intents_unknown=_CONSULTS if request else (),
                role_staff=False,
                role_weight=weight / 5,
            )
        case "fine_intent":
            meant = intent_of(example.label)
            # To ask how refunds work is not to leave: at a counter 多久到账 asks for progress. And thanks are manners.
            asks = meant == Intent.CANCEL and "咨询" in example.label
            thanks = "表达感谢" in example.label
            implied = None if thanks or meant is None else _FEELING.get(meant, Sentiment.NEUTRAL)
            unknown = (Intent.CANCEL, Intent.PROGRESS, *_CONSULTS) if asks else (Intent.PRAISE,) if thanks else ()
            return Row(
                example.text,
                group,
                sentiment=implied,
                polarity_weight=weight / 2,
                tone_weight=weight / 2,
                intents=(meant,) if meant and not (asks or thanks) else (),
                intent_weight=weight * 0.3 if meant else 0.0,
                intents_unknown=unknown,
                role_staff=False,
                role_weight=weight / 5,
            )


def sentiment_tasks(rows: Sequence[Row]) -> tuple[Task, Task]:
    """Does a text carry feeling, and if so, which."""
    feels = np.array([row.sentiment not in (None, Sentiment.NEUTRAL) for row in rows])
    tone = np.array([row.tone_weight if row.sentiment is not None else 0.0 for row in rows])
    positive = np.array([row.sentiment == Sentiment.POSITIVE for row in rows])
    polarity = np.array([row.polarity_weight for row in rows]) * feels
    return Task(OPINION, feels, tone, cost=0.2), Task(POSITIVE, positive, polarity, cost=0.05)


def intent_tasks(rows: Sequence[Row]) -> list[Task]:
    """One question per intent."""
    tasks = []
    for intent in Intent:
        answer = np.array([intent in row.intents for row in rows])
        weight = np.array([0.0 if intent in row.intents_unknown else row.intent_weight for row in rows])
        tasks.append(Task(intent.value, answer, weight, cost=0.2))
    return tasks


def role_task(rows: Sequence[Row]) -> Task:
    """Who speaks."""
    answer = np.array([bool(row.role_staff) for row in rows])
    weight = np.array([row.role_weight if row.role_staff is not None else 0.0 for row in rows])
    return Task(STAFF, answer, weight, cost=0.2)
