"""Conversation 接待, its consent, its utterances, and what became of its time."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from models.labels import ConsentState, CoverageState, RevisedBy, Role
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


class RoleRevision(Noun):
    """Who spoke an utterance, said anew: by the device that heard more of the conversation, or by staff who know.

    What staff said last stands above what devices said; among equals the latest `at` stands.
    """

    body: Literal["role"] = "role"
    conversation_id: UUID
    utterance_id: UUID
    role: Role
    role_confidence: float = Field(ge=0, le=1)
    by: RevisedBy
    at: Moment


class CustomerBinding(Noun):
    """Who the customer of a conversation was, said after it began; the latest `at` stands."""

    body: Literal["customer"] = "customer"
    conversation_id: UUID
    customer: Name
    how: Name = "console"
    """Where it was said: console; on the server api, page."""
    at: Moment


class CoverageSpan(Noun):
    """A stretch of time that was heard, silent, withheld or lost.

    Within a conversation, start_ms and end_ms count from its start. The time of a shift outside its conversations, or
    of one that was declined, names no conversation and no customer; then they count from the record's occurred_at.
    """

    body: Literal["coverage"] = "coverage"
    conversation_id: UUID | None = None
    site: Name
    staff: Name
    channel: Name
    state: CoverageState
    reason: str = Field(default="", max_length=200)
    """Why it was withheld (consent_pending, consent_declined, consent_withdrawn, no_encounter) or lost (interrupted,
    overload, device_lost, decode_error, …)."""
    start_ms: int = Field(ge=0, le=7 * DAY_MS)
    end_ms: int = Field(ge=0, le=7 * DAY_MS)

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end_ms < self.start_ms:
            raise ValueError("end_ms is before start_ms")
        if self.conversation_id is None and self.state in (CoverageState.HEARD, CoverageState.SILENT):
            raise ValueError("only a withheld or lost span may stand without a conversation")
        return self
