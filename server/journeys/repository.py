"""Every query on journey maps, visits and the figures that pages show of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from models.analysis import ExperienceEvent
from models.errors import RejectedError
from models.journey import Bilingual, JourneyMap, TouchpointVisit
from models.labels import CoverageState, EventKind, Role, Sentiment
from models.noun import Name, Noun
from nlp.journeys.shipped import shipped_maps
from server.conversations.repository import CoverageSeconds, newest_analyses
from server.events.repository import events_of_customer
from server.store.tables.conversations import conversation, coverage_span, utterance
from server.store.tables.events import experience_event
from server.store.tables.journeys import journey_map, touchpoint_visit
from server.store.upsert import insert


class UnknownCustomerError(RejectedError):
    """No conversation of the tenant names that customer."""

    code = "customer_unknown"


class UnknownJourneyMapError(RejectedError):
    """The tenant has no journey map of that name."""

    code = "journey_map_unknown"


class JourneyMapConflictError(RejectedError):
    """Somebody else stored the same version of the map first."""

    code = "journey_map_conflict"
    permanent = False


class NamedVisit(Noun):
    """A visit with the names that its map gives to stage and touchpoint."""

    visit: TouchpointVisit
    stage: Name
    stage_name: Bilingual
    touchpoint_name: Bilingual
    mot: bool


class CustomerJourney(Noun):
    """What a customer went through, in the order it happened."""

    customer: Name
    visits: tuple[NamedVisit, ...]
    events: tuple[ExperienceEvent, ...]


class SentimentSplit(Noun):
    """Customer utterances by feeling; the uncertain ones are no one's."""

    negative: int = 0
    neutral: int = 0
    positive: int = 0
    uncertain: int = 0


class TouchpointFigures(Noun):
    """One touchpoint over all its visits."""

    journey_map: Name
    touchpoint: Name
    visits: int
    score: float | None
    """Mean of −2…+2 over the utterances of all visits; None when none was certain."""
    n: int
    """Utterances that the score stands on."""
    coverage: float | None
    """Mean share of the conversations' time that was heard or silent."""
    events: int
    """Events that stand at the touchpoint."""


class Overview(Noun):
    """The figures of a tenant."""

    conversations: int
    utterances: int
    quarantined: int
    customers: int
    events: int
    """Events that stand."""
    events_by_kind: dict[EventKind, int]
    sentiment: SentimentSplit
    coverage: CoverageSeconds
    touchpoints: tuple[TouchpointFigures, ...]
    """Most visited first."""


def journey_maps(conn: Connection, *, tenant: str) -> dict[str, JourneyMap]:
    """Return the newest version of every map of a tenant by name: its own, and the shipped ones it did not replace."""
    newest = (
        select(journey_map.c.name, func.max(journey_map.c.version).label("version"))
        .where(journey_map.c.tenant == tenant)
        .group_by(journey_map.c.name)
        .subquery()
    )
    query = (
        select(journey_map.c.body)
        .join(newest, (newest.c.name == journey_map.c.name) & (newest.c.version == journey_map.c.version))
        .where(journey_map.c.tenant == tenant)
    )
    own = [JourneyMap.model_validate(row.body) for row in conn.execute(query)]
    return dict(shipped_maps()) | {one.name: one for one in own}


def read_map(conn: Connection, *, tenant: str, name: str, version: int | None = None) -> JourneyMap:
    """Return a map, its newest version unless one is asked for.

    Raises:
        UnknownJourneyMapError: the tenant has no such map or version.
    """
    newest = journey_maps(conn, tenant=tenant).get(name)
    if newest is not None and version in (None, newest.version):
        return newest
    body = conn.execute(
        select(journey_map.c.body).where(
            journey_map.c.tenant == tenant, journey_map.c.name == name, journey_map.c.version == version
        )
    ).scalar_one_or_none()
    if body is not None:
        return JourneyMap.model_validate(body)
    shipped = shipped_maps().get(name)
    if shipped is not None and shipped.version == version:
        return shipped
    raise UnknownJourneyMapError(f"there is no journey map {name}", advice="GET /v1/journey-maps lists them")


def store_map(conn: Connection, *, tenant: str, journey: JourneyMap, at: datetime) -> None:
    """Add a version of a map.

    Raises:
        JourneyMapConflictError: that version is there already.
    """
    statement = insert(conn, journey_map).values(
        tenant=tenant,
        name=journey.name,
        version=journey.version,
        body=journey.model_dump(mode="json"),
        created_at=at,
    )
    if conn.execute(statement.on_conflict_do_nothing().returning(journey_map.c.version)).first() is None:
        raise JourneyMapConflictError(
            f"version {journey.version} of {journey.name} was stored meanwhile", advice="look at it, then send again"
        )


def customer_journey(conn: Connection, *, tenant: str, customer: str) -> CustomerJourney:
    """Return a customer's visits and standing events in time order.

    Raises:
        UnknownCustomerError: no conversation names the customer.
    """
    known = select(func.count()).where(conversation.c.tenant == tenant, conversation.c.customer == customer)
    if not conn.execute(known).scalar_one():
        raise UnknownCustomerError(
            f"no conversation names the customer {customer}", advice="use the id that the device was given"
        )
    query = (
        select(touchpoint_visit)
        .where(touchpoint_visit.c.tenant == tenant, touchpoint_visit.c.customer == customer)
        .order_by(touchpoint_visit.c.occurred_at, touchpoint_visit.c.conversation_id, touchpoint_visit.c.touchpoint)
    )
    visits = [TouchpointVisit.model_validate(dict(row._mapping)) for row in conn.execute(query)]
    versions = {(visit.journey_map, visit.journey_map_version) for visit in visits}
    maps = {
        (name, version): read_map(conn, tenant=tenant, name=name, version=version) for name, version in sorted(versions)
    }
    return CustomerJourney(
        customer=customer,
        visits=tuple(_named(visit, maps[visit.journey_map, visit.journey_map_version]) for visit in visits),
        events=events_of_customer(conn, tenant=tenant, customer=customer),
    )


def _named(visit: TouchpointVisit, journey: JourneyMap) -> NamedVisit:
    touchpoint = journey.touchpoint(visit.touchpoint)
    stage = next(one for one in journey.stages if one.code == touchpoint.stage)
    return NamedVisit(
        visit=visit, stage=stage.code, stage_name=stage.name, touchpoint_name=touchpoint.name, mot=touchpoint.mot
    )


def touchpoint_figures(
    conn: Connection, *, tenant: str, journey_map: str | None = None, since: datetime | None = None
) -> tuple[TouchpointFigures, ...]:
    """Return figures per touchpoint, most visited first; `since` counts by when the visit happened."""
    column = touchpoint_visit.c
    query = (
        select(
            column.journey_map,
            column.touchpoint,
            func.count().label("visits"),
            func.sum(column.score * column.n).label("total"),
            func.sum(column.n).label("n"),
            func.avg(column.coverage).label("coverage"),
        )
        .where(column.tenant == tenant)
        .group_by(column.journey_map, column.touchpoint)
        .order_by(func.count().desc(), column.journey_map, column.touchpoint)
    )
    query = _of_map_since(query, table=touchpoint_visit, journey_map=journey_map, since=since)
    events = _events_by_touchpoint(conn, tenant=tenant, journey_map=journey_map, since=since)
    return tuple(
        TouchpointFigures(
            journey_map=row.journey_map,
            touchpoint=row.touchpoint,
            visits=row.visits,
            score=None if not row.n else row.total / row.n,
            n=row.n,
            coverage=row.coverage,
            events=events.get((row.journey_map, row.touchpoint), 0),
        )
        for row in conn.execute(query)
    )


def _events_by_touchpoint(
    conn: Connection, *, tenant: str, journey_map: str | None, since: datetime | None
) -> dict[tuple[str, str], int]:
    column = experience_event.c
    query = (
        select(column.journey_map, column.touchpoint, func.count().label("events"))
        .where(column.tenant == tenant, column.superseded_at.is_(None))
        .group_by(column.journey_map, column.touchpoint)
    )
    query = _of_map_since(query, table=experience_event, journey_map=journey_map, since=since)
    return {(row.journey_map, row.touchpoint): row.events for row in conn.execute(query)}


def _of_map_since(query: Select[Any], *, table: Table, journey_map: str | None, since: datetime | None) -> Select[Any]:
    if journey_map is not None:
        query = query.where(table.c.journey_map == journey_map)
    return query if since is None else query.where(table.c.occurred_at >= since)


def overview(conn: Connection, *, tenant: str, since: datetime | None = None) -> Overview:
    """Return a tenant's figures; `since` counts by when things happened."""

    def counted(table: Table, *conditions: ColumnElement[bool], at: str = "occurred_at") -> int:
        query = select(func.count()).select_from(table).where(table.c.tenant == tenant, *conditions)
        return conn.execute(query if since is None else query.where(table.c[at] >= since)).scalar_one()

    customers = select(func.count(conversation.c.customer.distinct())).where(conversation.c.tenant == tenant)
    if since is not None:
        customers = customers.where(conversation.c.started_at >= since)
    by_kind = _events_by_kind(conn, tenant=tenant, since=since)
    return Overview(
        conversations=counted(conversation, at="started_at"),
        utterances=counted(utterance),
        quarantined=counted(utterance, utterance.c.quarantined.is_not(None)),
        customers=conn.execute(customers).scalar_one(),
        events=sum(by_kind.values()),
        events_by_kind=by_kind,
        sentiment=_sentiment(conn, tenant=tenant, since=since),
        coverage=_coverage(conn, tenant=tenant, since=since),
        touchpoints=touchpoint_figures(conn, tenant=tenant, since=since),
    )


def _events_by_kind(conn: Connection, *, tenant: str, since: datetime | None) -> dict[EventKind, int]:
    query = (
        select(experience_event.c.kind, func.count().label("events"))
        .where(experience_event.c.tenant == tenant, experience_event.c.superseded_at.is_(None))
        .group_by(experience_event.c.kind)
        .order_by(func.count().desc(), experience_event.c.kind)
    )
    query = _of_map_since(query, table=experience_event, journey_map=None, since=since)
    return {EventKind(row.kind): row.events for row in conn.execute(query)}


def _sentiment(conn: Connection, *, tenant: str, since: datetime | None) -> SentimentSplit:
    """Count the feelings of customers as the newest analyses read them."""
    newest = newest_analyses(tenant=tenant)
    feeling = newest.c.body["sentiment"].as_string()
    uncertain = newest.c.body["sentiment_uncertain"].as_boolean()
    query = (
        select(feeling.label("feeling"), uncertain.label("uncertain"), func.count().label("n"))
        .join(utterance, (utterance.c.id == newest.c.utterance_id) & (utterance.c.tenant == tenant))
        .where(newest.c.body["role"].as_string() == Role.CUSTOMER.value)
        .group_by(feeling, uncertain)
    )
    if since is not None:
        query = query.where(utterance.c.occurred_at >= since)
    counts = {**{feeling.value: 0 for feeling in Sentiment}, "uncertain": 0}
    for row in conn.execute(query):
        counts["uncertain" if row.uncertain else row.feeling] += row.n
    return SentimentSplit.model_validate(counts)


def _coverage(conn: Connection, *, tenant: str, since: datetime | None) -> CoverageSeconds:
    query = (
        select(coverage_span.c.state, func.sum(coverage_span.c.end_ms - coverage_span.c.start_ms).label("total_ms"))
        .where(coverage_span.c.tenant == tenant)
        .group_by(coverage_span.c.state)
    )
    if since is not None:
        query = query.where(coverage_span.c.occurred_at >= since)
    found = {CoverageState(row.state): float(row.total_ms) / 1000 for row in conn.execute(query)}
    return CoverageSeconds(
        heard_s=found.get(CoverageState.HEARD, 0.0),
        silent_s=found.get(CoverageState.SILENT, 0.0),
        withheld_s=found.get(CoverageState.WITHHELD, 0.0),
        lost_s=found.get(CoverageState.LOST, 0.0),
    )


def next_version(conn: Connection, *, tenant: str, name: str) -> int:
    """Return the version that the next one of a map will have: 1 for a new name."""
    newest = journey_maps(conn, tenant=tenant).get(name)
    return 1 if newest is None else newest.version + 1


def replace_visits(conn: Connection, visits: Sequence[TouchpointVisit], *, tenant: str, conversation_id: UUID) -> None:
    """Put the visits of a conversation in the place of those that an earlier analysis saw."""
    conn.execute(
        touchpoint_visit.delete().where(
            touchpoint_visit.c.tenant == tenant, touchpoint_visit.c.conversation_id == conversation_id
        )
    )
    for visit in visits:
        event_ids = [str(one) for one in visit.event_ids]
        conn.execute(touchpoint_visit.insert().values(visit.model_dump(mode="python") | {"event_ids": event_ids}))
