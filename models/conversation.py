"""Conversation 接待, its consent, its utterances, and what became of its time."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from models.labels import ConsentState, CoverageState, Role
from models.noun import Moment, Name, Noun
from models.text import RedactedText

DAY_MS = 86_400_000


class Consent(Noun):
    """The customer's answer to being recorded, in one conversation."""

    body: Literal["consent"] = "consent"
    conversation_id: UUID
    state: ConsentState
    how: Name = "staff_recorded"
    """How it was asked and answered: staff_recorded, button, qr, spoken."""
    notice_version: Name = "1"
    at: Moment


class Conversation(Noun):
    """One encounter between staff and a customer.

    It is sent when it starts (`ended_at` absent) and again when it ends; the later one completes the earlier.
    A declined conversation is never sent: it leaves a withheld CoverageSpan and nothing else.
    """

    body: Literal["conversation"] = "conversation"
    id: UUID
    tenant: Name
    site: Name
    device_id: UUID
    staff: Name
    channel: Name
    customer: Name | None = None
    """The customer's id in the business's own systems; None until it is bound."""
    consent: ConsentState
    started_at: Moment
    ended_at: Moment | None = None


class Recognition(Noun):
    """How sure recognition was of an utterance."""

    model: Name
    avg_logprob: float
    """Mean log probability per token, natural logarithm."""
    no_speech_prob: float = Field(ge=0, le=1)
    compression_ratio: float = Field(ge=0)


class Utterance(Noun):
    """What one speaker said in one go."""

    body: Literal["utterance"] = "utterance"
    id: UUID
    conversation_id: UUID
    role: Role = Role.UNKNOWN
    role_confidence: float = Field(default=0.0, ge=0, le=1)
    start_ms: int = Field(ge=0, le=7 * DAY_MS)
    """Milliseconds since the start of the conversation."""
    end_ms: int = Field(ge=0, le=7 * DAY_MS)
    text: RedactedText
    recognition: Recognition
    quarantined: str | None = Field(default=None, max_length=100)
    """Why the text is suspect (no_speech, repetition, …); a quarantined utterance is shown, never analysed."""

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms is before start_ms")
        return self


class CoverageSpan(Noun):
    """A stretch of time that was heard, silent, withheld or lost.

    Within a conversation, start_ms and end_ms count from its start. A withheld span of a declined conversation
    names no conversation and no customer; then they count from the record's occurred_at.
    """

    body: Literal["coverage"] = "coverage"
    conversation_id: UUID | None = None
    site: Name
    staff: Name
    channel: Name
    state: CoverageState
    reason: str = Field(default="", max_length=200)
    """Why it was withheld or lost: consent_declined, interrupted, overload, decode_error, …"""
    start_ms: int = Field(ge=0, le=7 * DAY_MS)
    end_ms: int = Field(ge=0, le=7 * DAY_MS)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms is before start_ms")
        if self.conversation_id is None and self.state is not CoverageState.WITHHELD:
            raise ValueError("only a withheld span may stand without a conversation")
        return self
