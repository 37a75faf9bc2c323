"""All SQL of ingest: one transaction stores new records and rings the queue of analysis.

Statements are built once; SQLAlchemy keeps them compiled.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, Table, bindparam, func, null, select
from sqlalchemy.sql.dml import ReturningInsert

from models.conversation import Consent, Conversation, Utterance
from models.labels import ConsentState
from models.wire import NO_CONSENT
from server.analysis.bell import ring
from server.conversations.erasure import erase
from server.conversations.standing import bring_up_to_date
from server.devices.repository import hold_device
from server.ingest.lines import Line
from server.store.prepared import Prepared
from server.store.tables.conversations import (
    consent,
    conversation,
    coverage_span,
    customer_binding,
    role_revision,
    utterance,
)
from server.store.upsert import as_hex, insert_for, insert_new

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
FOREIGN: Final = "conversation_foreign"


def _first_speaker(table: Table) -> object:
    """The device whose record of a conversation stands in a table; all are of one, because others are refused."""
    mine = (table.c.tenant == bindparam("tenant")) & (table.c.conversation_id == bindparam("conversation_id"))
    return select(table.c.device_id).where(mine).limit(1).scalar_subquery()


_of_conversation = (conversation.c.tenant == bindparam("tenant")) & (conversation.c.id == bindparam("conversation_id"))
_of_consent = (consent.c.tenant == bindparam("tenant")) & (consent.c.conversation_id == bindparam("conversation_id"))


def _known(locked: Select[Any]) -> Select[Any]:
    """Return the query for whose a conversation is and what its consent is; its row is locked if it is there."""
    return select(
        func.coalesce(
            locked.with_only_columns(conversation.c.device_id).scalar_subquery(),
            _first_speaker(utterance),
            _first_speaker(consent),
            _first_speaker(coverage_span),
            _first_speaker(role_revision),
            _first_speaker(customer_binding),
        ).label("owner"),
        func.coalesce(
            # A withdrawal is final, and may come before its conversation.
            select(consent.c.state)
            .where(_of_consent, consent.c.state == ConsentState.WITHDRAWN.value)
            .limit(1)
            .scalar_subquery(),
            locked.with_only_columns(conversation.c.consent).scalar_subquery(),
        ).label("consent"),
    )


_row = select(conversation).where(_of_conversation)
# Shared with others who add, but not with `hold`: whoever adds after a withdrawal has begun sees it.
_known_to_add = Prepared(lambda _dialect: _known(_row.with_for_update(read=True)))
# As `hold` locks it: a lock that is shared first and wanted alone later is what two transactions wait for for ever.
_known_to_change = Prepared(lambda _dialect: _known(_row.with_for_update(key_share=True)))


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
    hold_device(conn, tenant=tenant, device_id=device)
    stand_anew = _standing_anew(lines)
    barred: dict[str, str] = {}
    for conversation_id in sorted(_conversations(lines)):
        query = _known_to_change if conversation_id in stand_anew else _known_to_add
        known = query.run(conn, {"tenant": tenant, "conversation_id": conversation_id}).one()
        if known.owner is not None and as_hex(known.owner) != device:
            barred[conversation_id] = FOREIGN
        elif known.consent not in (None, ConsentState.GRANTED.value):
            barred[conversation_id] = NO_CONSENT
    outcomes = [_bar(line, barred) for line in lines] if barred else [""] * len(lines)
    _insert(conn, lines, outcomes, now=now)
    changed = [line for line, outcome in zip(lines, outcomes, strict=True) if outcome == ACCEPTED]
    for conversation_id in sorted(_standing_anew(changed)):
        bring_up_to_date(conn, tenant=tenant, conversation_id=conversation_id)
    withdrawn = _conversations(line for line in changed if line.table is consent and _is_withdrawal(line))
    for conversation_id in sorted(withdrawn):
        erase(conn, tenant=tenant, conversation_id=UUID(conversation_id), now=now)
    for conversation_id in sorted(_conversations(changed)):
        # What was erased is to leave the log of the database too, at once.
        wait = timedelta() if conversation_id in withdrawn else quiet_after
        ring(conn, tenant=tenant, conversation_id=conversation_id, now=now, quiet_after=wait)
    return outcomes


def _standing_anew(lines: Sequence[Line]) -> set[str]:
    """Return the conversations whose own rows the lines may change."""
    # Nearly all lines are utterances: they are passed over without a call.
    others = [line for line in lines if line.table is not utterance]
    return _conversations(
        line for line in others if line.table in (conversation, customer_binding) or _is_withdrawal(line)
    )


def _is_withdrawal(line: Line) -> bool:
    body = line.judged.record.body
    return isinstance(body, Consent) and body.state is ConsentState.WITHDRAWN


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
    """Insert the lines that have no outcome yet, by their keys in each table, and give them theirs."""
    keys = [line.record_hex for line in lines]
    places = sorted(range(len(lines)), key=keys.__getitem__)
    for table in (utterance, coverage_span, consent, role_revision, customer_binding):
        mine = [at for at in places if lines[at].table is table and not outcomes[at]]
        if not mine:
            continue
        fresh = insert_new(conn, table, [lines[at].row for at in mine])
        for at in mine:
            # A record that stands in the batch twice is inserted once: the second is the duplicate.
            key = lines[at].record_hex
            outcomes[at] = ACCEPTED if key in fresh else DUPLICATE
            fresh.discard(key)
    of_conversations = [at for at, line in enumerate(lines) if line.table is conversation and not outcomes[at]]
    for at in sorted(of_conversations, key=lambda at: str(lines[at].conversation)):
        outcomes[at] = ACCEPTED if _put_conversation(conn, lines[at], now=now) else DUPLICATE


def _put_conversation(conn: Connection, line: Line, *, now: datetime) -> bool:
    """Open or close a conversation; return False when that was done before."""
    record_id, body = line.judged.record.id, line.judged.record.body
    if not isinstance(body, Conversation):
        raise TypeError("a line of the table conversation holds one")
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
