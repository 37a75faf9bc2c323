"""Every query that shows a conversation."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import computed_field
from sqlalchemy import Connection, Label, Row, Select, Subquery, and_, func, or_, select

from models.analysis import Analysis, ExperienceEvent
from models.errors import RejectedError
from models.labels import ConsentState, CoverageState, RevisedBy, Role
from models.noun import Moment, Name, Noun
from models.text import Mask
from server.conversations.standing import read_revisions
from server.events.repository import events_of_conversation
from server.store.tables.analysis import analysis
from server.store.tables.conversations import consent, conversation, coverage_span, utterance
from server.store.tables.events import experience_event


class UnknownConversationError(RejectedError):
    """The tenant has no conversation of that id."""

    code = "conversation_unknown"


class UtteranceView(Noun):
    """An utterance with its masks and what the newest analysis said of it."""

    id: UUID
    role: Role
    """As the last revision has it, else as the device gave it; `analysis.role` is the reading from the words."""
    role_confidence: float
    role_revised: RevisedBy | None = None
    """Who said anew who spoke; None when nobody did."""
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
    erased_at: Moment | None
    """When the customer's withdrawal erased its words."""
    utterances: int
    events: int
    """Events that stand."""


class ConversationPage(Noun):
    """One page of a list of conversations, in the order of their ids."""

    conversations: tuple[ConversationSummary, ...]
    next: UUID | None
    """Hand it in as `after` for the next page."""
    has_more: bool


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
    erased_at: Moment | None
    """When the customer's withdrawal erased its words."""
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
        select(conversation, _erased_at()).where(conversation.c.tenant == tenant, conversation.c.id == conversation_id)
    ).one_or_none()
    if row is None:
        raise unknown_conversation(conversation_id)
    spans = read_spans(conn, tenant=tenant, conversation_id=conversation_id)
    return ConversationView.model_validate(
        {
            **row._mapping,
            "utterances": _labelled(conn, tenant=tenant, conversation_id=conversation_id),
            "coverage": spans,
            "seconds": seconds_of(spans),
            "events": events_of_conversation(conn, tenant=tenant, conversation_id=conversation_id),
        }
    )


def unknown_conversation(conversation_id: UUID) -> UnknownConversationError:
    """Return the error for an id that no conversation of the tenant has."""
    return UnknownConversationError(
        f"there is no conversation {conversation_id}", advice="take the id from an event or from the list"
    )


def _erased_at() -> Label[Any]:
    """Return a column with the moment at which the withdrawal was taken; the words went in the same transaction."""
    return (
        select(func.min(consent.c.recorded_at))
        .where(
            consent.c.tenant == conversation.c.tenant,
            consent.c.conversation_id == conversation.c.id,
            consent.c.state == ConsentState.WITHDRAWN.value,
        )
        .correlate(conversation)
        .scalar_subquery()
        .label("erased_at")
    )


def read_spoken(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[UtteranceView, ...]:
    """Return the utterances of a conversation in spoken order, with roles as they stand and without labels."""
    return _utterances(conn, select(utterance), tenant=tenant, conversation_id=conversation_id)


def _labelled(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[UtteranceView, ...]:
    newest = newest_analyses(tenant=tenant)
    query = select(utterance, newest.c.body.label("analysis")).outerjoin(
        newest, newest.c.utterance_id == utterance.c.id
    )
    return _utterances(conn, query, tenant=tenant, conversation_id=conversation_id)


def _utterances(
    conn: Connection, query: Select[Any], *, tenant: str, conversation_id: UUID
) -> tuple[UtteranceView, ...]:
    query = query.where(utterance.c.tenant == tenant, utterance.c.conversation_id == conversation_id)
    query = query.order_by(utterance.c.start_ms, utterance.c.end_ms, utterance.c.id)
    revisions = read_revisions(conn, tenant=tenant, conversation_id=conversation_id)
    views = []
    for row in conn.execute(query):
        values = dict(row._mapping)
        said = revisions.get(row.id)
        if said is not None:
            values |= {"role": said.role, "role_confidence": said.role_confidence, "role_revised": said.by}
        views.append(UtteranceView.model_validate(values))
    return tuple(views)


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
    query = _summaries(tenant=tenant)
    if customer is not None:
        query = query.where(conversation.c.customer == customer)
    if before is not None:
        start, last = before
        later = and_(conversation.c.started_at == start, conversation.c.id < last)
        query = query.where(or_(conversation.c.started_at < start, later))
    query = query.order_by(conversation.c.started_at.desc(), conversation.c.id.desc()).limit(limit)
    return _read_summaries(conn, query)


def page_of_conversations(
    conn: Connection, *, tenant: str, limit: int, after: UUID | None = None, unbound: bool | None = None
) -> ConversationPage:
    """Return conversations in the order of their ids, which begin with when they were made.

    Args:
        conn: where.
        tenant: whose.
        limit: most of them.
        after: the last one of the page before.
        unbound: only those that name no customer, or only those that do.
    """
    query = _summaries(tenant=tenant)
    if after is not None:
        query = query.where(conversation.c.id > after)
    if unbound is not None:
        query = query.where(conversation.c.customer.is_(None) if unbound else conversation.c.customer.is_not(None))
    found = _read_summaries(conn, query.order_by(conversation.c.id).limit(limit + 1))
    shown = found[:limit]
    return ConversationPage(
        conversations=shown, next=shown[-1].id if shown else after, has_more=len(found) > len(shown)
    )


def _summaries(*, tenant: str) -> Select[Any]:
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
    counts = (spoken.label("utterances"), standing.label("events"))
    return select(conversation, _erased_at(), *counts).where(conversation.c.tenant == tenant)


def _read_summaries(conn: Connection, query: Select[Any]) -> tuple[ConversationSummary, ...]:
    rows: list[Row[Any]] = list(conn.execute(query))
    return tuple(ConversationSummary.model_validate(dict(row._mapping)) for row in rows)
