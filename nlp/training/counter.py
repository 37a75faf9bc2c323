"""Counter conversations: the labelled training set of our own; COUNTER_CONVERSATIONS.md describes it."""

import lzma
import re
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import UnderstandingError
from models.labels import Aspect, EventKind, Intent, PiiKind, Role, Sentiment, StaffAct

FILE: Final = "counter_conversations.jsonl.xz"
SCHOOL_FILE: Final = "school_conversations.jsonl.xz"
"""School offices: written later by another hand, labelled once, and so a file of its own."""


class _Part(BaseModel):
    """Frozen; a field that nobody knows is a slip of the pen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opinion(_Part):
    """What a customer finds good or bad."""

    aspect: Aspect
    polarity: Literal[Sentiment.NEGATIVE, Sentiment.POSITIVE]


class Personal(_Part):
    """A stretch of a turn that tells who somebody is."""

    kind: PiiKind
    text: str = Field(min_length=1)


class Due(_Part):
    """When a promise falls due."""

    due: str | None
    """The words that say when, as they stand in the turn."""
    due_date: date | None
    """The last day of that span, resolved against the day of the conversation."""


class Promise(Due):
    """What staff commit to do later."""

    what: str = Field(min_length=1)


class Turn(_Part):
    """What one side says in one go, and what it means; sentiment is toward the business."""

    role: Literal[Role.STAFF, Role.CUSTOMER]
    text: str = Field(min_length=1)
    sentiment: Sentiment
    intents: tuple[Intent | StaffAct, ...]
    """Intents of a customer, acts of staff."""
    aspects: tuple[Opinion, ...]
    pii: tuple[Personal, ...]
    promise: Promise | None = None
    urgency: Literal["urgent"] | None = None

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        vocabulary = StaffAct if self.role == Role.STAFF else Intent
        if any(not isinstance(one, vocabulary) for one in self.intents):
            raise ValueError(f"intents of {self.role} are none of theirs: {', '.join(self.intents)}")
        if self.aspects and self.role == Role.STAFF:
            raise ValueError("staff have aspects")
        if (self.promise is not None) != (StaffAct.PROMISE in self.intents):
            raise ValueError("the act promise and the field promise go together")
        due = self.promise.due if self.promise else None
        if missing := [one for one in (due, *(some.text for some in self.pii)) if one and one not in self.text]:
            raise ValueError(f"not in the text {self.text!r}: {missing}")
        return self


class Happening(_Part):
    """That something of a kind happened in some turns."""

    kind: EventKind
    turns: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    """Positions in the conversation, from 0."""


class Event(Happening):
    """What a manager must see."""

    aspect: Aspect | None
    severity: Literal[1, 2, 3]
    touchpoint: str
    quote: str = Field(min_length=1)
    """The shortest words of one of the turns that carry it."""


class SecondTurn(_Part):
    """What the second labeller saw in a turn; what a promise is about was not asked."""

    sentiment: Sentiment
    intents: tuple[Intent | StaffAct, ...]
    aspects: tuple[Opinion, ...]
    promise: Due | None = None


class Second(_Part):
    """The labels of someone who did not see the first ones."""

    turns: tuple[SecondTurn, ...]
    events: tuple[Happening, ...]


class Conversation(_Part):
    """A whole written conversation with its labels."""

    id: str
    writer: str
    industry: str
    date: AwareDatetime
    channel: Literal["counter", "sales", "advisor", "broker", "visit"]
    turns: tuple[Turn, ...] = Field(min_length=1)
    events: tuple[Event, ...]
    overall: Sentiment
    second: Second | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        happenings: tuple[Happening, ...] = (*self.events, *(self.second.events if self.second else ()))
        if any(one >= len(self.turns) for happening in happenings for one in happening.turns):
            raise ValueError("an event lies beyond the last turn")
        for event in self.events:
            if not any(event.quote in self.turns[one].text for one in event.turns):
                raise ValueError(f"the quote stands in no turn of its event: {event.quote}")
        if self.second and len(self.second.turns) != len(self.turns):
            raise ValueError("the second labels are of another number of turns")
        return self


def conversations(path: Traversable | None = None) -> tuple[Conversation, ...]:
    """Read the set in the order of its file.

    Args:
        path: another file in the same format; the set that is packaged here when None.

    Raises:
        UnderstandingError: the file is absent or no xz (data_missing), or a conversation breaks the format
            (broken_line, naming the conversation).
    """
    source = path or files(__package__).joinpath(FILE)
    try:
        lines = lzma.decompress(source.read_bytes()).splitlines()
    except (OSError, lzma.LZMAError) as unreadable:
        raise UnderstandingError(f"{source} cannot be read: {unreadable}.", code="data_missing") from unreadable
    read = tuple(_conversation(line, number) for number, line in enumerate(lines, start=1))
    for before, after in pairwise(sorted(one.id for one in read)):
        if before == after:
            raise UnderstandingError(f"{source} has {after} twice.", code="broken_line")
    return read


def _conversation(line: bytes, number: int) -> Conversation:
    try:
        return Conversation.model_validate_json(line)
    except ValidationError as broken:
        first = broken.errors(include_url=False)[0]
        named = re.search(r'"id":\s*"([^"]+)"', line.decode("utf-8", errors="replace"))
        where = ".".join(map(str, first["loc"])) or "its whole"
        raise UnderstandingError(
            f"Conversation {named[1] if named else '?'} (line {number}) is broken at {where}: {first['msg']}.",
            code="broken_line",
            advice="COUNTER_CONVERSATIONS.md says what each field may hold.",
        ) from broken
