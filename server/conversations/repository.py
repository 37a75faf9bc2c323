"""Every query that shows a conversation."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import computed_field
from sqlalchemy import Connection, Row, Subquery, and_, func, or_, select

from models.analysis import Analysis, ExperienceEvent
from models.errors import RejectedError
from models.labels import ConsentState, CoverageState, Role
from models.noun import Moment, Name, Noun
from models.text import Mask
from server.events.repository import events_of_conversation
from server.store.schema import analysis, conversation, coverage_span, experience_event, utterance


class UnknownConversationError(RejectedError):
    """The tenant has no conversation of that id."""

    code = "conversation_unknown"


class UtteranceView(Noun):
    """An utterance with its masks and what the newest analysis said of it."""

    id: UUID
    role: Role
    """As the device gave it; `analysis.role` is the reading from the words."""
    role_confidence: float
    start_ms: int
    end_ms: int
    text: str
    masks: tuple[Mask, ...]
    quarantined: str | None
    """Why its text is suspect and was not analysed."""
    occurred_at: Moment
    recorded_at: Moment
    analysis: Analysis | None = None


class SpanView(Noun):
    """A stretch of the conversation and what became of it, in milliseconds since its start."""

    state: CoverageState
    reason: str
    start_ms: int
    end_ms: int


class CoverageSeconds(Noun):
    """What became of the time, in seconds."""

    heard_s: float = 0.0
    silent_s: float = 0.0
    withheld_s: float = 0.0
    lost_s: float = 0.0

    @computed_field  # type: ignore[prop-decorator]  # pydantic's own advice for properties
    @property
    def share(self) -> float | None:
        """Share of the time that was heard or silent; None when no time is known."""
        total = self.heard_s + self.silent_s + self.withheld_s + self.lost_s
        return (self.heard_s + self.silent_s) / total if total else None


class ConversationSummary(Noun):
    """One line of a list of conversations."""

    id: UUID
    site: Name
    staff: Name
    channel: Name
    customer: Name | None
    consent: ConsentState
    started_at: Moment
    ended_at: Moment | None
    recorded_at: Moment
    utterances: int
    events: int
    """Events that stand."""


class ConversationView(Noun):
    """A whole conversation."""

    id: UUID
    site: Name
    staff: Name
    channel: Name
    customer: Name | None
    device_id: UUID
    consent: ConsentState
    started_at: Moment
    ended_at: Moment | None
    recorded_at: Moment
    utterances: tuple[UtteranceView, ...]
    coverage: tuple[SpanView, ...]
    seconds: CoverageSeconds
    events: tuple[ExperienceEvent, ...]


def newest_analyses(*, tenant: str) -> Subquery:
    """Return a subquery (utterance_id, conversation_id, body) with the newest analysis of each utterance."""
    rank = (
        func.row_number()
        .over(partition_by=analysis.c.utterance_id, order_by=(analysis.c.analysed_at.desc(), analysis.c.model.desc()))
        .label("rank")
    )
    ranked = (
        select(analysis.c.utterance_id, analysis.c.conversation_id, analysis.c.body, rank)
        .where(analysis.c.tenant == tenant)
        .subquery()
    )
    return select(ranked.c.utterance_id, ranked.c.conversation_id, ranked.c.body).where(ranked.c.rank == 1).subquery()


def read_conversation(conn: Connection, *, tenant: str, conversation_id: UUID) -> ConversationView:
    """Return a conversation with utterances in spoken order, labels, coverage and the events that stand.

    Raises:
        UnknownConversationError: the tenant has none of that id.
    """
    row = conn.execute(
        select(conversation).where(conversation.c.tenant == tenant, conversation.c.id == conversation_id)
    ).one_or_none()
    if row is None:
        raise UnknownConversationError(
            f"there is no conversation {conversation_id}", advice="take the id from an event or from the list"
        )
    spans = read_spans(conn, tenant=tenant, conversation_id=conversation_id)
    return ConversationView.model_validate(
        {
            **row._mapping,
            "utterances": _utterances(conn, tenant=tenant, conversation_id=conversation_id),
            "coverage": spans,
            "seconds": seconds_of(spans),
            "events": events_of_conversation(conn, tenant=tenant, conversation_id=conversation_id),
        }
    )


def _utterances(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[UtteranceView, ...]:
    newest = newest_analyses(tenant=tenant)
    query = (
        select(utterance, newest.c.body.label("analysis"))
        .outerjoin(newest, newest.c.utterance_id == utterance.c.id)
        .where(utterance.c.tenant == tenant, utterance.c.conversation_id == conversation_id)
        .order_by(utterance.c.start_ms, utterance.c.end_ms, utterance.c.id)
    )
    return tuple(UtteranceView.model_validate(dict(row._mapping)) for row in conn.execute(query))


def read_spans(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[SpanView, ...]:
    """Return the coverage spans of a conversation in time order."""
    query = (
        select(coverage_span)
        .where(coverage_span.c.tenant == tenant, coverage_span.c.conversation_id == conversation_id)
        .order_by(coverage_span.c.start_ms, coverage_span.c.end_ms)
    )
    return tuple(SpanView.model_validate(dict(row._mapping)) for row in conn.execute(query))


def seconds_of(spans: tuple[SpanView, ...]) -> CoverageSeconds:
    """Add up spans by state."""
    total_ms: dict[str, int] = defaultdict(int)
    for span in spans:
        total_ms[f"{span.state}_s"] += span.end_ms - span.start_ms
    return CoverageSeconds.model_validate({name: milliseconds / 1000 for name, milliseconds in total_ms.items()})


def list_conversations(
    conn: Connection,
    *,
    tenant: str,
    customer: str | None = None,
    limit: int = 50,
    before: tuple[datetime, UUID] | None = None,
) -> tuple[ConversationSummary, ...]:
    """Return conversations, newest start first; `before` (start, id) is the last one of the page before."""
    spoken = (
        select(func.count())
        .where(utterance.c.tenant == conversation.c.tenant, utterance.c.conversation_id == conversation.c.id)
        .correlate(conversation)
        .scalar_subquery()
    )
    standing = (
        select(func.count())
        .where(
            experience_event.c.tenant == conversation.c.tenant,
            experience_event.c.conversation_id == conversation.c.id,
            experience_event.c.superseded_at.is_(None),
        )
        .correlate(conversation)
        .scalar_subquery()
    )
    query = select(conversation, spoken.label("utterances"), standing.label("events")).where(
        conversation.c.tenant == tenant
    )
    if customer is not None:
        query = query.where(conversation.c.customer == customer)
    if before is not None:
        start, last = before
        later = and_(conversation.c.started_at == start, conversation.c.id < last)
        query = query.where(or_(conversation.c.started_at < start, later))
    query = query.order_by(conversation.c.started_at.desc(), conversation.c.id.desc()).limit(limit)
    rows: list[Row[Any]] = list(conn.execute(query))
    return tuple(ConversationSummary.model_validate(dict(row._mapping)) for row in rows)
