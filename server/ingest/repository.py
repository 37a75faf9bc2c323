"""All SQL of ingest: one transaction stores new records and rings the queue of analysis.

Statements are built once; SQLAlchemy keeps them compiled.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Table, bindparam, case, exists, func, literal, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from models.conversation import Conversation, Utterance
from models.labels import ConsentState
from server.ingest.lines import Line, milliseconds
from server.store.prepared import Prepared
from server.store.schema import analysis_queue, consent, conversation, coverage_span, utterance
from server.store.upsert import Value, as_hex, insert_for, insert_new

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
FOREIGN: Final = "conversation_foreign"
NO_CONSENT: Final = "consent_not_granted"


def _first_speaker(table: Table) -> object:
    """The device whose record of a conversation stands in a table; all are of one, because others are refused."""
    mine = (table.c.tenant == bindparam("tenant")) & (table.c.conversation_id == bindparam("conversation_id"))
    return select(table.c.device_id).where(mine).limit(1).scalar_subquery()


_of_conversation = (conversation.c.tenant == bindparam("tenant")) & (conversation.c.id == bindparam("conversation_id"))
_of_consent = (consent.c.tenant == bindparam("tenant")) & (consent.c.conversation_id == bindparam("conversation_id"))
_known = Prepared(
    lambda _dialect: select(
        func.coalesce(
            select(conversation.c.device_id).where(_of_conversation).scalar_subquery(),
            _first_speaker(utterance),
            _first_speaker(consent),
            _first_speaker(coverage_span),
        ).label("owner"),
        select(consent.c.state)
        .where(_of_consent)
        .order_by(consent.c.at.desc(), consent.c.record_id.desc())
        .limit(1)
        .scalar_subquery()
        .label("consent"),
    )
)


def store(
    conn: Connection, lines: Sequence[Line], *, tenant: str, device: str, now: datetime, quiet_after: timedelta
) -> list[str]:
    """Store what is new of a batch and ring for the conversations that it changed.

    Args:
        conn: the transaction.
        lines: records of one device, in the order of the batch.
        tenant: of the device.
        device: its id as hex.
        now: the server's time, recorded_at of every row.
        quiet_after: how long a conversation that has not ended stays quiet before it is analysed.

    Returns:
        For each line accepted, duplicate, or the code of its rejection.
    """
    barred: dict[str, str] = {}
    for conversation_id in _conversations(lines):
        known = _known.run(conn, {"tenant": tenant, "conversation_id": conversation_id}).one()
        if known.owner is not None and as_hex(known.owner) != device:
            barred[conversation_id] = FOREIGN
        elif known.consent not in (None, ConsentState.GRANTED.value):
            barred[conversation_id] = NO_CONSENT
    outcomes = [_bar(line, barred) for line in lines] if barred else [""] * len(lines)
    _insert(conn, lines, outcomes, now=now)
    changed = [line for line, outcome in zip(lines, outcomes, strict=True) if outcome == ACCEPTED]
    # In one order everywhere: two transactions that ring for the same conversations must not wait for each other.
    times: dict[str, Value] = {"now": milliseconds(now), "quiet_at": milliseconds(now + quiet_after)}
    for conversation_id in sorted(_conversations(changed)):
        of_conversation: dict[str, Value] = {"tenant": tenant, "conversation_id": conversation_id}
        _ring.run(conn, of_conversation | times)
    return outcomes


def _conversations(lines: Iterable[Line]) -> set[str]:
    return {line.conversation for line in lines if line.conversation is not None}


def _bar(line: Line, barred: Mapping[str, str]) -> str:
    """Return the code that refuses a line, or nothing.

    After a withdrawal no words are taken any more; that the conversation ended and what became of its time is.
    """
    code = barred.get(line.conversation, "") if line.conversation is not None else ""
    if code == NO_CONSENT and not isinstance(line.judged.record.body, Utterance):
        return ""
    return code


def _insert(conn: Connection, lines: Sequence[Line], outcomes: list[str], *, now: datetime) -> None:
    """Insert the lines that have no outcome yet, and give them theirs."""
    for table in (utterance, coverage_span, consent):
        mine = [at for at, line in enumerate(lines) if line.table is table and not outcomes[at]]
        if not mine:
            continue
        fresh = insert_new(conn, table, [lines[at].row for at in mine])
        for at in mine:
            # A record that stands in the batch twice is inserted once: the second is the duplicate.
            key = lines[at].record_hex
            outcomes[at] = ACCEPTED if key in fresh else DUPLICATE
            fresh.discard(key)
    for at, line in enumerate(lines):
        body = line.judged.record.body
        if isinstance(body, Conversation) and not outcomes[at]:
            outcomes[at] = ACCEPTED if _put_conversation(conn, line, body, now=now) else DUPLICATE


def _put_conversation(conn: Connection, line: Line, body: Conversation, *, now: datetime) -> bool:
    """Open or close a conversation; return False when that was done before."""
    record_id = line.judged.record.id
    values = body.model_dump(exclude={"body"}) | {"recorded_at": now, "flags": ",".join(line.judged.flags)}
    values |= (
        {"opened_by": None, "closed_by": record_id} if body.ended_at else {"opened_by": record_id, "closed_by": None}
    )
    statement = _close(conn.dialect.name) if body.ended_at else _open(conn.dialect.name)
    return conn.execute(statement, values).first() is not None


@cache
def _open(dialect: str) -> ReturningInsert[tuple[UUID]]:
    """INSERT a conversation that started; one that its end made known before keeps what the end said."""
    statement = insert_for(dialect, conversation)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[conversation.c.tenant, conversation.c.id],
        set_={"opened_by": new.opened_by, "customer": func.coalesce(conversation.c.customer, new.customer)},
        where=conversation.c.opened_by.is_(null()),
    ).returning(conversation.c.id)


@cache
def _close(dialect: str) -> ReturningInsert[tuple[UUID]]:
    """INSERT a conversation that ended, or complete the one that started."""
    statement = insert_for(dialect, conversation)
    new = statement.excluded
    completed = ("closed_by", "ended_at", "started_at", "site", "staff", "channel", "flags")
    return statement.on_conflict_do_update(
        index_elements=[conversation.c.tenant, conversation.c.id],
        set_={name: new[name] for name in completed}
        | {"customer": func.coalesce(new.customer, conversation.c.customer)},
        where=conversation.c.closed_by.is_(null()),
    ).returning(conversation.c.id)


def _build_ring(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """INSERT into the queue, or raise the ring; what has ended is due now, the rest when it has been quiet."""
    statement = insert_for(dialect, analysis_queue)
    ended = exists().where(_of_conversation, conversation.c.ended_at.is_not(null()))
    moment = analysis_queue.c.due_at.type
    statement = statement.values(
        tenant=bindparam("tenant"),
        conversation_id=bindparam("conversation_id"),
        ring=literal(1),
        rung_at=bindparam("now", type_=moment),
        due_at=case((ended, bindparam("now", type_=moment)), else_=bindparam("quiet_at", type_=moment)),
        attempts=literal(0),
        last_error=literal(""),
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[analysis_queue.c.tenant, analysis_queue.c.conversation_id],
        set_={
            "ring": analysis_queue.c.ring + 1,
            "rung_at": new.rung_at,
            "due_at": new.due_at,
            # What changed may well be what made it fail.
            "attempts": literal(0),
            "last_error": literal(""),
        },
    )


_ring = Prepared(_build_ring)
