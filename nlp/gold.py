"""Conversations with gold labels, as measuring reads them: a folder of ID.json files, or our own training set."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from models.errors import UnderstandingError
from models.labels import Aspect, EventKind, Role, Sentiment
from models.noun import Noun

UNDATED: Final = datetime.fromisoformat("2026-03-02T10:00:00+08:00")
"""When a conversation that has no date is taken to have been held: a Monday morning in a month without holidays."""
_MS_PER_CHARACTER: Final = 250
"""How long a character takes to say, where only the text is there."""


class Ids(StrEnum):
    """Which conversations of a folder: by the last digit of the number that their id ends with."""

    ALL = "all"
    ODD = "odd"
    EVEN = "even"

    def takes(self, identity: str) -> bool:
        """Whether a conversation of that id belongs to them."""
        number = re.search(r"(\d+)$", identity)
        return self is Ids.ALL or (number is not None and int(number[1]) % 2 == (self is Ids.ODD))


class GoldOpinion(Noun):
    """What a customer finds good or bad."""

    aspect: Aspect


class GoldSecret(Noun):
    """A stretch of a turn that tells who somebody is."""

    kind: str
    text: str = Field(min_length=1)


class GoldPromise(Noun):
    """When a promise falls due."""

    due: str | None = None
    due_date: date | None = None
    """The last day; only sets that have dates tell it."""


class GoldTurn(Noun):
    """What one side said, and what it means."""

    role: Literal[Role.STAFF, Role.CUSTOMER]
    text: str
    sentiment: Sentiment
    intents: tuple[str, ...]
    """Intents of a customer, acts of staff."""
    aspects: tuple[GoldOpinion, ...]
    pii: tuple[GoldSecret, ...] = ()
    promise: GoldPromise | None = None
    start: float
    """Seconds since the conversation began."""
    end: float


class GoldEvent(Noun):
    """What a manager must see."""

    kind: EventKind
    turns: tuple[int, ...]
    touchpoint: str


class GoldConversation(Noun):
    """A whole conversation with what is right about it."""

    id: str
    industry: str
    channel: str
    consent: str = "granted"
    date: datetime = UNDATED
    turns: tuple[GoldTurn, ...]
    events: tuple[GoldEvent, ...]


def read_gold(place: Path, *, ids: Ids = Ids.ALL) -> list[GoldConversation]:
    """Read the conversations whose customers agreed to be recorded, in the order of their files.

    Args:
        place: a folder of ID.json files, or a file in the format of `nlp/training/counter.py`.
        ids: which of them.

    Raises:
        UnderstandingError: a file is no such conversation (broken_line), the set cannot be read (data_missing), or
            nothing is left to measure (no_rows).
    """
    read = [_of_file(path) for path in sorted(place.glob("*.json"))] if place.is_dir() else _of_our_set(place)
    chosen = [one for one in read if one.consent == "granted" and ids.takes(one.id)]
    if not chosen:
        raise UnderstandingError(
            f"{place} has no conversation with gold labels and consent.",
            code="no_rows",
            advice="Give a folder of ID.json files, and --ids all.",
        )
    return chosen


def _of_file(path: Path) -> GoldConversation:
    try:
        return GoldConversation.model_validate_json(path.read_bytes())
    except ValidationError as broken:
        first = broken.errors(include_url=False)[0]
        raise UnderstandingError(
            f"{path} is no conversation with gold labels: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            code="broken_line",
            advice="Give consent and turns with role, text, sentiment, intents, aspects, start and end.",
        ) from broken


def _of_our_set(path: Path) -> list[GoldConversation]:
    from nlp.training.counter import conversations  # noqa: PLC0415  # only measuring on the training set reads its format

    return [
        GoldConversation.model_validate(one.model_dump() | {"turns": _timed(one.model_dump()["turns"])})
        for one in conversations(path)
    ]


def _timed(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turns with the times at which they would be spoken, one after another."""
    timed, now = [], 0
    for turn in turns:
        end = now + max(1, len(turn["text"])) * _MS_PER_CHARACTER
        timed.append({**turn, "start": now / 1000, "end": end / 1000})
        now = end
    return timed
