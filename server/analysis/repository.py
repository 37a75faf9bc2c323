"""Every query on the analysis queue: claiming, reading a conversation whole, and settling it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select

from models.analysis import Analysis
from models.ids import new_id
from models.labels import ConsentState
from models.noun import Moment, Name, Noun
from server.analysis.understand import Facts, Understood, Work
from server.conversations.erasure import erase, withdrawn_at
from server.conversations.repository import read_spans, read_spoken
from server.conversations.standing import bring_up_to_date, hold
from server.events.changes import changes
from server.events.repository import apply_changes, stored_events
from server.journeys.repository import journey_maps, replace_visits
from server.store.tables.analysis import analysis, analysis_queue, dead_letter
from server.store.tables.conversations import conversation
from server.store.upsert import insert


class Claim(Noun):
    """One conversation that a worker has taken up, and the ring it answers."""

    tenant: Name
    conversation_id: UUID
    ring: int
    rung_at: Moment
    attempts: int


class Backlog(Noun):
    """What a tenant's conversations still wait for."""

    waiting: int
    """Conversations that have records not yet analysed, those still going on included."""
    oldest: Moment | None
    """When the one that waits longest was last added to."""
    dead: int
    """Conversations given up after repeated failures, not yet resolved."""


def claim(conn: Connection, *, now: datetime, lease: timedelta) -> Claim | None:
    """Take up the conversation that has been due longest, or nothing.

    On PostgreSQL several workers may claim at once: each takes a row that no other holds and puts its due time off by
    the lease, so that a worker that dies leaves it to the others when the lease is over. On SQLite there is one
    worker; a claim writes nothing, and after a crash the row is due as before. In either case the ring decides at the
    end whose result is kept.
    """
    queue = analysis_queue.c
    query = (
        select(analysis_queue)
        .where(queue.due_at <= now)
        .order_by(queue.due_at, queue.tenant, queue.conversation_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    claimed = Claim.model_validate(dict(row._mapping))
    if conn.dialect.name == "postgresql":
        conn.execute(analysis_queue.update().where(_row_of(claimed)).values(due_at=now + lease))
    return claimed


def read_work(conn: Connection, *, claimed: Claim) -> Work | None:
    """Read a conversation whole; None when there is nothing to analyse.

    That is so while its own record is still on the way (which will ring again), and after consent was withdrawn.
    """
    of_conversation = (conversation.c.tenant == claimed.tenant) & (conversation.c.id == claimed.conversation_id)
    row = conn.execute(select(conversation).where(of_conversation)).one_or_none()
    if row is None or ConsentState(row.consent) is not ConsentState.GRANTED:
        return None
    return Work(
        facts=Facts.model_validate(dict(row._mapping)),
        utterances=read_spoken(conn, tenant=claimed.tenant, conversation_id=claimed.conversation_id),
        spans=read_spans(conn, tenant=claimed.tenant, conversation_id=claimed.conversation_id),
        maps=journey_maps(conn, tenant=claimed.tenant),
    )


def erase_withdrawn(conn: Connection, *, claimed: Claim, now: datetime) -> bool:
    """Erase again what a withdrawal erased, and tell whether there was one.

    The transaction of the withdrawal has done so; once more here, before the log is emptied, costs some queries.
    """
    tenant, conversation_id = claimed.tenant, claimed.conversation_id
    if withdrawn_at(conn, tenant=tenant, conversation_id=conversation_id) is None:
        return False
    hold(conn, tenant=tenant, conversation_id=conversation_id.hex)
    bring_up_to_date(conn, tenant=tenant, conversation_id=conversation_id.hex)
    erase(conn, tenant=tenant, conversation_id=conversation_id, now=now)
    return True


def settle(conn: Connection, *, claimed: Claim, understood: Understood | None, now: datetime) -> bool:
    """Store what was understood and take the conversation off the queue.

    Returns:
        False, with nothing stored, when the queue rang again meanwhile or another worker has settled it.
    """
    tenant, conversation_id = claimed.tenant, claimed.conversation_id
    # First, as everybody does: an erasure that is under way rings before it lets go.
    hold(conn, tenant=tenant, conversation_id=conversation_id.hex)
    if not _still_held(conn, claimed):
        return False
    if understood is not None:
        _store_analyses(conn, understood.analyses, claimed=claimed, now=now)
        stored = stored_events(conn, tenant=tenant, conversation_id=conversation_id)
        apply_changes(conn, changes(stored, understood.events), tenant=tenant, now=now)
        replace_visits(conn, understood.visits, tenant=tenant, conversation_id=conversation_id)
    conn.execute(analysis_queue.delete().where(_row_of(claimed)))
    return True


def postpone(conn: Connection, *, claimed: Claim, due_at: datetime) -> None:
    """Come back to a conversation later, through no fault of its own."""
    if _still_held(conn, claimed):
        conn.execute(analysis_queue.update().where(_row_of(claimed)).values(due_at=due_at))


def put_off(conn: Connection, *, claimed: Claim, error: str, due_at: datetime) -> None:
    """Leave a conversation that failed for another attempt."""
    if _still_held(conn, claimed):
        values = {"attempts": claimed.attempts + 1, "last_error": error, "due_at": due_at}
        conn.execute(analysis_queue.update().where(_row_of(claimed)).values(values))


def bury(conn: Connection, *, claimed: Claim, code: str, error: str, now: datetime) -> None:
    """Take a conversation that fails again and again off the queue, and write down why."""
    if not _still_held(conn, claimed):
        return
    conn.execute(
        dead_letter.insert().values(
            tenant=claimed.tenant,
            id=new_id(),
            conversation_id=claimed.conversation_id,
            code=code,
            detail=error,
            attempts=claimed.attempts + 1,
            created_at=now,
        )
    )
    conn.execute(analysis_queue.delete().where(_row_of(claimed)))


def _row_of(claimed: Claim) -> ColumnElement[bool]:
    queue = analysis_queue.c
    return (queue.tenant == claimed.tenant) & (queue.conversation_id == claimed.conversation_id)


def _still_held(conn: Connection, claimed: Claim) -> bool:
    """Lock the queue's row and tell whether it is the one that was claimed.

    The ring alone would not do: it starts at 1 again when the row was deleted and the device sent more.
    """
    query = select(analysis_queue.c.ring, analysis_queue.c.rung_at).where(_row_of(claimed)).with_for_update()
    row = conn.execute(query).one_or_none()
    return row is not None and (row.ring, row.rung_at) == (claimed.ring, claimed.rung_at)


def _store_analyses(conn: Connection, analyses: Iterable[Analysis], *, claimed: Claim, now: datetime) -> None:
    """Keep one analysis of each utterance and model; a later pass of the same model saw more of the conversation."""
    rows = [
        {
            "tenant": claimed.tenant,
            "utterance_id": one.utterance_id,
            "model": one.model,
            "conversation_id": claimed.conversation_id,
            "body": one.model_dump(mode="json"),
            "analysed_at": now,
        }
        # By their keys, as everybody inserts.
        for one in sorted(analyses, key=lambda one: one.utterance_id)
    ]
    if not rows:
        return
    statement = insert(conn, analysis)
    new = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[analysis.c.tenant, analysis.c.utterance_id, analysis.c.model],
            set_={"body": new.body, "analysed_at": new.analysed_at, "conversation_id": new.conversation_id},
        ),
        rows,
    )


def read_backlog(conn: Connection, *, tenant: str) -> Backlog:
    """Count what waits and what was given up."""
    queued = select(func.count(), func.min(analysis_queue.c.rung_at)).where(analysis_queue.c.tenant == tenant)
    given_up = select(func.count()).where(dead_letter.c.tenant == tenant, dead_letter.c.resolved_at.is_(None))
    waiting, oldest = conn.execute(queued).one()
    return Backlog(waiting=waiting, oldest=oldest, dead=conn.execute(given_up).scalar_one())
