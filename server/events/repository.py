"""Every query on experience events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, FromClause, Row, and_, exists, or_, select, true

from models.analysis import ExperienceEvent
from models.labels import EventKind
from models.noun import Moment, Name, Noun
from server.events.changes import FeedChanges, StoredEvent
from server.store.position import raise_position
from server.store.tables.events import experience_event, feed_position


class FeedFilter(Noun):
    """Which events a consumer wants; what is absent does not narrow."""

    customer: Name | None = None
    kind: EventKind | None = None
    touchpoint: Name | None = None
    mot: bool | None = None
    since: Moment | None = None
    """Events that happened (occurred_at) at this moment or later."""


class FeedPage(Noun):
    """One page of the feed, oldest first."""

    events: tuple[ExperienceEvent, ...]
    next: int
    """Cursor to hand in as `after` for the next page; everything up to it has been looked at."""
    has_more: bool


def _event_of(row: Row[Any]) -> ExperienceEvent:
    return ExperienceEvent.model_validate(dict(row._mapping))


def _standing() -> ColumnElement[bool]:
    """Hold for events that a later analysis has neither replaced nor taken back."""
    return experience_event.c.superseded_at.is_(None)


def _fits(events: FromClause, wanted: FeedFilter) -> ColumnElement[bool]:
    """Hold for the events that a consumer wants."""
    column = events.c
    conditions: list[ColumnElement[bool]] = [true()]
    if wanted.customer is not None:
        conditions.append(column.customer == wanted.customer)
    if wanted.kind is not None:
        conditions.append(column.kind == wanted.kind.value)
    if wanted.touchpoint is not None:
        conditions.append(column.touchpoint == wanted.touchpoint)
    if wanted.mot is not None:
        conditions.append(column.mot.is_(wanted.mot))
    if wanted.since is not None:
        conditions.append(column.occurred_at >= wanted.since)
    return and_(*conditions)


def _fits_or_replaces(wanted: FeedFilter) -> ColumnElement[bool]:
    """Hold for the events that a consumer wants, and for those that take the place of one.

    A consumer of one customer's events must hear when one of them moves to another customer.
    """
    event, earlier = experience_event, experience_event.alias("earlier")
    replaced = (earlier.c.tenant == event.c.tenant) & (earlier.c.id == event.c.supersedes)
    return or_(_fits(event, wanted), exists().where(replaced, _fits(earlier, wanted)))


def read_feed(
    conn: Connection, *, tenant: str, after: int = 0, limit: int = 100, wanted: FeedFilter | None = None
) -> FeedPage:
    """Return the events after a cursor in commit order, superseded ones and retractions included.

    `next` moves past everything that was looked at, so a filtered consumer never reads a stretch twice.
    """
    # The position is read first: whatever it counts is committed, so the query after it cannot miss any of that.
    position = conn.execute(select(feed_position.c.last).where(feed_position.c.tenant == tenant)).scalar() or 0
    query = select(experience_event).where(experience_event.c.tenant == tenant, experience_event.c.sequence > after)
    if wanted is not None:
        query = query.where(_fits_or_replaces(wanted))
    query = query.order_by(experience_event.c.sequence).limit(limit + 1)
    found = [_event_of(row) for row in conn.execute(query)]
    events = tuple(found[:limit])
    has_more = len(found) > limit
    last_given = events[-1].sequence if events else after
    return FeedPage(events=events, next=last_given if has_more else max(position, last_given), has_more=has_more)


def events_of_conversation(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[ExperienceEvent, ...]:
    """Return the events that stand for a conversation, in the order they happened."""
    query = (
        select(experience_event)
        .where(experience_event.c.tenant == tenant, experience_event.c.conversation_id == conversation_id, _standing())
        .order_by(experience_event.c.occurred_at, experience_event.c.sequence)
    )
    return tuple(_event_of(row) for row in conn.execute(query))


def events_of_customer(conn: Connection, *, tenant: str, customer: str) -> tuple[ExperienceEvent, ...]:
    """Return the events that stand for a customer, in the order they happened."""
    query = (
        select(experience_event)
        .where(experience_event.c.tenant == tenant, experience_event.c.customer == customer, _standing())
        .order_by(experience_event.c.occurred_at, experience_event.c.sequence)
    )
    return tuple(_event_of(row) for row in conn.execute(query))


def events_of_map(
    conn: Connection,
    *,
    tenant: str,
    journey_map: str,
    touchpoint: str | None = None,
    since: datetime | None = None,
    limit: int = 200,
) -> tuple[ExperienceEvent, ...]:
    """Return the newest events that stand on a journey map, or at one of its touchpoints."""
    query = select(experience_event).where(
        experience_event.c.tenant == tenant, experience_event.c.journey_map == journey_map, _standing()
    )
    query = query.where(_fits(experience_event, FeedFilter(touchpoint=touchpoint, since=since)))
    query = query.order_by(experience_event.c.occurred_at.desc(), experience_event.c.sequence.desc()).limit(limit)
    return tuple(_event_of(row) for row in conn.execute(query))


def stored_events(conn: Connection, *, tenant: str, conversation_id: UUID) -> tuple[StoredEvent, ...]:
    """Return every event of a conversation with its standing, retractions left out."""
    query = select(experience_event).where(
        experience_event.c.tenant == tenant,
        experience_event.c.conversation_id == conversation_id,
        experience_event.c.retracted.is_(False),
    )
    rows: Sequence[Row[Any]] = conn.execute(query.order_by(experience_event.c.sequence)).all()
    return tuple(StoredEvent(event=_event_of(row), superseded_at=row.superseded_at) for row in rows)


def apply_changes(conn: Connection, changed: FeedChanges, *, tenant: str, now: datetime) -> tuple[ExperienceEvent, ...]:
    """Write new entries at the end of the feed and mark what they leave standing no longer.

    The feed's position is raised in the same transaction: its row stays locked until the commit, so sequences
    become visible in their order and without a gap, however many write.

    Returns:
        The new entries with their sequence.
    """
    if changed.superseded:
        conn.execute(
            experience_event.update()
            .where(experience_event.c.tenant == tenant, experience_event.c.id.in_(changed.superseded))
            .values(superseded_at=now)
        )
    if not changed.added:
        return ()
    last = raise_position(conn, feed_position, tenant=tenant, by=len(changed.added))
    first = last - len(changed.added) + 1
    numbered = tuple(
        event.model_copy(update={"sequence": first + place, "recorded_at": now})
        for place, event in enumerate(changed.added)
    )
    for event in numbered:
        if event.id in changed.revived:
            conn.execute(
                experience_event.update()
                .where(experience_event.c.tenant == tenant, experience_event.c.id == event.id)
                .values(_values(event))
            )
        else:
            conn.execute(experience_event.insert().values(_values(event)))
    return numbered


def forget_quotes(conn: Connection, *, tenant: str, conversation_id: UUID) -> None:
    """Delete the words of a conversation's events, superseded ones included; the entries keep their places."""
    column = experience_event.c
    of_conversation = (column.tenant == tenant) & (column.conversation_id == conversation_id)
    conn.execute(experience_event.update().where(of_conversation, column.quote != "").values(quote=""))


def _values(event: ExperienceEvent) -> dict[str, Any]:
    values = event.model_dump(mode="python")
    # A retraction never stands: pages pass over it.
    standing = {"superseded_at": event.recorded_at if event.retracted else None}
    return values | standing | {"utterance_ids": [str(one) for one in event.utterance_ids]}
