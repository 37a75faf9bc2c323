"""What the encoder learns from: turns in their context, with the questions that their labels answer."""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

from models.errors import UnderstandingError
from models.labels import Intent, Role, Sentiment, StaffAct
from nlp.framing import TURNS_BEFORE, Said
from nlp.normalise import normalise
from nlp.redaction import redact
from nlp.training import counter
from nlp.training.corpora import Corpus, Example, corpora, examples
from nlp.training.encoder.columns import ASPECTS, URGENT, of_aspect
from nlp.training.phrases import composed, made
from nlp.training.tasks import OPINION, POSITIVE, Row, row_of_example, row_of_phrase

Answers = dict[str, tuple[bool, float]]
"""Question -> its answer and how much that counts; a question that is absent is unknown."""

HELD_OF: Final = 10
"""One counter conversation in so many is held back, to calibrate on."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One turn, normalised, with what is known of it."""

    said: Said
    before: tuple[Said, ...] = ()
    answers: Answers = field(default_factory=dict)
    fine: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Lessons of one set, and the share of all presentations that they have."""

    name: str
    share: float
    lessons: tuple[Lesson, ...]


def sources(
    data: Path,
    *,
    licensed_only: bool,
    seed: int,
    most: int | None,
    cleaned: Callable[[Sequence[Example]], Sequence[str]],
) -> list[Source]:
    """All lessons: our conversations but the held ones, made phrases, and the train splits of the sets in `data`.

    Args:
        data: folder with the files of corpora.toml; absent ones are passed over.
        licensed_only: leave out the sets whose repositories state no licence.
        seed: of the phrases.
        most: lessons of each set; None for all.
        cleaned: gives the fine labels of examples, those replaced that look wrong.

    Raises:
        UnderstandingError: `data` holds none of the sets (data_missing), or a line is broken (broken_line).
    """
    mix: dict[str, Any] = tomllib.loads(files(__package__).joinpath("mix.toml").read_text(encoding="utf-8"))
    found = []
    for corpus in corpora(licensed_only=licensed_only):
        share = mix["files"].get(corpus.file, 0.0)
        read = list(islice(examples(data, corpus, split="train"), most)) if share else []
        if read:
            found.append(Source(corpus.name, share, tuple(_of_set(corpus, read, cleaned))))
    if not found:
        raise UnderstandingError(
            f"{data} holds none of the sets that training knows.",
            code="data_missing",
            advice="Name the folder with the files of nlp/training/corpora.toml.",
        )
    phrases = list(made("customer.toml", each=8, seed=seed))
    phrases += composed(phrases, count=len(phrases) // 2, seed=seed)
    rows = (row_of_phrase(one, staff=False, group=one.line) for one in phrases)
    own = Source("phrases written for this project", mix["phrases"], tuple(map(_of_row, islice(rows, most))))
    spoken = Source(
        "counter conversations written for this project", mix["counter"], tuple(counter_lessons(held=False))
    )
    return [spoken, own, *found]


def _of_set(
    corpus: Corpus, read: Sequence[Example], cleaned: Callable[[Sequence[Example]], Sequence[str]]
) -> list[Lesson]:
    if corpus.kind != "fine_intent":
        return [_of_row(row_of_example(example, group=0)) for example in read]
    labels = cleaned(read)
    rows = (
        row_of_example(Example(example.text, label, corpus), group=0)
        for example, label in zip(read, labels, strict=True)
    )
    return [replace(_of_row(row), fine=label) for row, label in zip(rows, labels, strict=True)]


def _of_row(row: Row) -> Lesson:
    """What the linear models are asked of a row, the encoder is asked too."""
    role = {None: Role.UNKNOWN, True: Role.STAFF, False: Role.CUSTOMER}[row.role_staff]
    answers: Answers = {}
    if row.sentiment is not None and row.tone_weight:
        answers[OPINION] = (row.sentiment is not Sentiment.NEUTRAL, row.tone_weight)
    if row.sentiment not in (None, Sentiment.NEUTRAL) and row.polarity_weight:
        answers[POSITIVE] = (row.sentiment is Sentiment.POSITIVE, row.polarity_weight)
    if row.intent_weight:
        known = (one.value for one in Intent if one not in row.intents_unknown)
        answers |= {intent: (intent in row.intents, row.intent_weight) for intent in known}
    return Lesson(Said(role, normalise(row.text).text), answers=answers)


def counter_lessons(*, held: bool) -> Iterator[Lesson]:
    """The turns of our counter conversations, masked as the models see them: those held back, or all others."""
    for number, conversation in enumerate(counter.conversations()):
        if (number % HELD_OF == 0) is held:
            said = [Said(turn.role, normalise(redact(turn.text).text).text) for turn in conversation.turns]
            for at, turn in enumerate(conversation.turns):
                yield Lesson(said[at], tuple(said[max(0, at - TURNS_BEFORE) : at]), _answers(turn))


def _answers(turn: counter.Turn) -> Answers:
    """A turn of ours answers every question that its side is asked."""
    yes = {one.value for one in turn.intents} | {of_aspect(one.aspect, one.polarity) for one in turn.aspects}
    if turn.urgency:
        yes.add(URGENT)
    if turn.sentiment is not Sentiment.NEUTRAL:
        yes.add(OPINION)
    if turn.role is Role.STAFF:
        asked: tuple[str, ...] = (OPINION, URGENT, *(one.value for one in StaffAct))
    else:
        asked = (OPINION, URGENT, *(one.value for one in Intent), *ASPECTS)
    answers = {question: (question in yes, 1.0) for question in asked}
    if OPINION in yes:
        answers[POSITIVE] = (turn.sentiment is Sentiment.POSITIVE, 1.0)
    return answers
