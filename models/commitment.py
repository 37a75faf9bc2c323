"""What staff promised, to whom, by when, and what became of it."""

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from models.noun import Moment, Name, Noun


class Due(Noun):
    """The time within which something was promised, both ends included."""

    words: str = Field(min_length=1)
    """The words that say when, as they were spoken."""
    since: Moment
    until: Moment

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.since:
            raise ValueError("a due time ends before it begins")
        return self


class CommitmentState(StrEnum):
    """What is known of a promise."""

    OPEN = "open"
    """It is not due yet, and nobody has spoken of it since."""
    KEPT = "kept"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    """Its time has passed and nobody spoke of it: silence proves nothing."""


class Commitment(Noun):
    """A promise of staff to a customer."""

    conversation_id: UUID
    utterance_id: UUID
    customer: Name | None
    """To whom; None while nobody said who the customer is."""
    staff: Name
    quote: str = Field(min_length=1)
    """Exact substring of the redacted text of its utterance."""
    due: Due | None
    """None where no time was said, or one that hangs on something else (到了给您打电话)."""
    probability: float = Field(ge=0, le=1)
    made_at: Moment
    state: CommitmentState = CommitmentState.OPEN
    settled_by: UUID | None = None
    """The later conversation that told whether it was kept."""

    @model_validator(mode="after")
    def _settled_by_words(self) -> Self:
        if (self.settled_by is not None) != (self.state in {CommitmentState.KEPT, CommitmentState.BROKEN}):
            raise ValueError("a later conversation, and nothing else, settles a promise as kept or broken")
        return self
