"""The queries that only pages ask: lists page by page, counts of intents, and what is still to come."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    and_,
    cast,
    column,
    func,
    literal,
    or_,
    select,
)

from models.analysis import ExperienceEvent
from models.labels import EventKind, Intent, Role
from models.noun import Moment, Name, Noun
from server.conversations.repository import newest_analyses
from server.store.tables.analysis import analysis_queue, dead_letter
from server.store.tables.conversations import conversation, utterance
from server.store.tables.events import experience_event
from server.store.tables.journeys import touchpoint_visit


class CustomerSummary(Noun):
    """One line of the list of customers."""

    customer: Name
    conversations: int
    last_seen: Moment
    score: float | None
    """Mean feeling −2…+2 over all their visits; None when none was certain."""
    n: int


class EventPlace(Noun):
    """Where in a list of events the next page begins."""

    occurred_at: Moment
    sequence: int


class AnalysisProgress(Noun):
    """Whether a conversation still waits for its analysis, or failed it."""

    waiting: bool
    failure: str | None
    """Code of the open dead letter."""


class TextOrigins(Noun):
    """Names and versions of what made a conversation's texts."""

    recognition: tuple[str, ...]
    redaction: tuple[str, ...]


def customer_lines(
    conn: Connection, *, tenant: str, limit: int, before: tuple[datetime, str] | None = None
) -> tuple[CustomerSummary, ...]:
    """Return customers, the one seen last first, from a place in the list on."""
    last_seen = func.max(conversation.c.started_at)
    seen = (
        select(conversation.c.customer, func.count().label("conversations"), last_seen.label("last_seen"))
        .where(conversation.c.tenant == tenant, conversation.c.customer.is_not(None))
        .group_by(conversation.c.customer)
        .order_by(last_seen.desc(), conversation.c.customer.desc())
        .limit(limit)
    )
    if before is not None:
        last, name = before
        seen = seen.having(or_(last_seen < last, and_(last_seen == last, conversation.c.customer < name)))
    rows = conn.execute(seen).all()
    scores = _scores(conn, tenant=tenant, customers=[row.customer for row in rows])
    return tuple(
        CustomerSummary(
            customer=row.customer,
            conversations=row.conversations,
            last_seen=row.last_seen,
            score=scores.get(row.customer, (None, 0))[0],
            n=scores.get(row.customer, (None, 0))[1],
        )
        for row in rows
    )


def _scores(conn: Connection, *, tenant: str, customers: list[str]) -> dict[str, tuple[float, int]]:
    visit = touchpoint_visit.c
    query = (
        select(visit.customer, func.sum(visit.score * visit.n).label("total"), func.sum(visit.n).label("n"))
        .where(visit.tenant == tenant, visit.customer.in_(customers), visit.score.is_not(None))
        .group_by(visit.customer)
    )
    return {row.customer: (row.total / row.n, row.n) for row in conn.execute(query) if row.n}


def event_lines(
    conn: Connection,
    *,
    tenant: str,
    limit: int,
    kind: EventKind | None = None,
    map_name: str | None = None,
    touchpoint: str | None = None,
    before: EventPlace | None = None,
) -> tuple[ExperienceEvent, ...]:
    """Return events that stand, newest first, from a place in the list on."""
    event = experience_event.c
    query = select(experience_event).where(event.tenant == tenant, event.superseded_at.is_(None))
    if kind is not None:
        query = query.where(event.kind == kind.value)
    if map_name is not None:
        query = query.where(event.journey_map == map_name)
    if touchpoint is not None:
        query = query.where(event.touchpoint == touchpoint)
    if before is not None:
        earlier = and_(event.occurred_at == before.occurred_at, event.sequence < before.sequence)
        query = query.where(or_(event.occurred_at < before.occurred_at, earlier))
    query = query.order_by(event.occurred_at.desc(), event.sequence.desc()).limit(limit)
    return tuple(ExperienceEvent.model_validate(dict(row._mapping)) for row in conn.execute(query))


def intent_counts(conn: Connection, *, tenant: str, since: datetime | None = None) -> dict[Intent, int]:
    """Count the intents that the newest analyses gave to customer utterances, most frequent first."""
    newest = newest_analyses(tenant=tenant)
    intents = newest.c.body["intents"]
    if conn.dialect.name == "sqlite":
        items: FromClause = func.json_each(intents).table_valued(column("value"), name="item")
        name: ColumnElement[str] = func.json_extract(items.c.value, "$.name")
    else:
        items = func.json_array_elements(intents).table_valued(column("value"), name="item").render_derived()
        name = items.c.value.op("->>")(literal("name", String()))
    label = cast(name, String).label("intent")
    query = (
        select(label, func.count().label("n"))
        .select_from(newest.join(utterance, utterance.c.id == newest.c.utterance_id).join(items, literal(True)))
        .where(utterance.c.tenant == tenant, newest.c.body["role"].as_string() == Role.CUSTOMER.value)
        .group_by(label)
        .order_by(func.count().desc(), label)
    )
    if since is not None:
        query = query.where(utterance.c.occurred_at >= since)
    return {Intent(row.intent): row.n for row in conn.execute(query) if row.intent in set(Intent)}


def waiting_conversations(conn: Connection, *, tenant: str) -> int:
    """Count the conversations that wait for their analysis."""
    query = select(func.count()).select_from(analysis_queue).where(analysis_queue.c.tenant == tenant)
    return conn.execute(query).scalar_one()


def unbound_conversations(conn: Connection, *, tenant: str) -> int:
    """Count the conversations that name no customer."""
    query = select(func.count()).where(conversation.c.tenant == tenant, conversation.c.customer.is_(None))
    return conn.execute(query).scalar_one()


def analysis_progress(conn: Connection, *, tenant: str, conversation_id: UUID) -> AnalysisProgress:
    """Return whether a conversation waits for its analysis or failed it."""
    queue, letter = analysis_queue.c, dead_letter.c
    waiting = select(func.count()).where(queue.tenant == tenant, queue.conversation_id == conversation_id)
    failure = (
        select(letter.code)
        .where(letter.tenant == tenant, letter.conversation_id == conversation_id, letter.resolved_at.is_(None))
        .order_by(letter.created_at.desc())
        .limit(1)
    )
    return AnalysisProgress(
        waiting=conn.execute(waiting).scalar_one() > 0, failure=conn.execute(failure).scalar_one_or_none()
    )


def text_origins(conn: Connection, *, tenant: str, conversation_id: UUID) -> TextOrigins:
    """Return what made the texts of a conversation."""
    spoken = utterance.c
    query = (
        select(spoken.recognition["model"].as_string().label("recognition"), spoken.redaction)
        .where(spoken.tenant == tenant, spoken.conversation_id == conversation_id)
        .distinct()
    )
    rows = conn.execute(query).all()
    return TextOrigins(
        recognition=tuple(sorted({row.recognition for row in rows})),
        redaction=tuple(sorted({row.redaction for row in rows})),
    )
