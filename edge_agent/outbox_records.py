"""The rows of records: sealed, offered, settled and deleted; each function works in its caller's transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from edge_agent.outbox_rows import Outgoing, RecordState, Settlement
from edge_agent.sealing import Sealer, UnreadableError
from models.wire import Record

_LONGEST_RETRY_MS: Final = 3_600_000
"""A retry that seems further away was written before the clock was set back; it is due."""
_DELETED_AT_ONCE: Final = 50
"""Deleting writes zeros over what was there, through the log; a few rows at a time keep that small."""
_ROW: Final = "SELECT device_seq, id, kind, sealed, attempts FROM records"


def insert(
    db: sqlite3.Connection, records: Sequence[Record], *, recording: UUID | None, now_ms: int, sealer: Sealer
) -> None:
    """Store records under the device's next numbers, pending."""
    first = int(db.execute("SELECT next_seq FROM device").fetchone()[0])
    for seq, given in enumerate(records, start=first):
        record = given.model_copy(update={"device_seq": seq})
        kind = record.body.body
        sealed = sealer.seal(record.model_dump_json().encode(), identity=str(record.id), kind=kind)
        db.execute(
            "INSERT INTO records (device_seq, id, recording, kind, sealed, state, made_ms)"
            " VALUES (?, ?, ?, ?, ?, 'pending', ?)",
            (seq, str(record.id), str(recording) if recording else None, kind, sealed, now_ms),
        )
    db.execute("UPDATE device SET next_seq = ?", (first + len(records),))


def due(db: sqlite3.Connection, *, now_ms: int, limit: int) -> list[sqlite3.Row]:
    """Return pending rows to send now: the least tried first, then in their order."""
    return db.execute(
        _ROW + " WHERE state = 'pending' AND (next_attempt_ms <= :now OR next_attempt_ms > :now + :longest)"
        " ORDER BY attempts, device_seq LIMIT :limit",
        {"now": now_ms, "longest": _LONGEST_RETRY_MS, "limit": limit},
    ).fetchall()


def of_recording(db: sqlite3.Connection, recording: UUID) -> list[sqlite3.Row]:
    """Return the rows of a recording in their order."""
    return db.execute(_ROW + " WHERE recording = ? ORDER BY device_seq", (str(recording),)).fetchall()


def last_utterances(db: sqlite3.Connection, recording: UUID, *, count: int) -> list[sqlite3.Row]:
    """Return the rows of a recording's last utterances in their order."""
    rows = db.execute(
        _ROW + " WHERE recording = ? AND kind = 'utterance' ORDER BY device_seq DESC LIMIT ?",
        (str(recording), count),
    ).fetchall()
    return rows[::-1]


def opened(rows: Sequence[sqlite3.Row], *, sealer: Sealer) -> tuple[list[Outgoing], list[int]]:
    """Open rows; return the records, and the numbers of the rows that do not open."""
    readable: list[Outgoing] = []
    unreadable: list[int] = []
    for row in rows:
        try:
            plain = sealer.open(row["sealed"], identity=row["id"], kind=row["kind"])
            record = Record.model_validate_json(plain)
        except (UnreadableError, ValidationError):
            unreadable.append(row["device_seq"])
        else:
            readable.append(Outgoing(record=record, attempts=row["attempts"], size_bytes=len(plain)))
    return readable, unreadable


def within(outgoing: Sequence[Outgoing], *, max_bytes: int) -> list[Outgoing]:
    """Return the first of them that are together no larger than that, and at least one."""
    chosen: list[Outgoing] = []
    total = 0
    for item in outgoing:
        total += item.size_bytes
        if chosen and total > max_bytes:
            break
        chosen.append(item)
    return chosen


def put_aside(db: sqlite3.Connection, unreadable: Sequence[int], *, now_ms: int) -> None:
    """Keep rows that do not open from being offered."""
    db.executemany(
        "UPDATE records SET state = 'unreadable', code = 'record_unreadable', settled_ms = ? WHERE device_seq = ?",
        [(now_ms, seq) for seq in unreadable],
    )


def settle(db: sqlite3.Connection, settlements: Sequence[Settlement], *, now_ms: int) -> None:
    """Write down what the server said; a record that is settled already stays so."""
    for said in settlements:
        settled_ms = None if said.state is RecordState.PENDING else now_ms
        db.execute(
            "UPDATE records SET state = ?, code = ?, next_attempt_ms = ?, settled_ms = ?,"
            " attempts = attempts + 1 WHERE id = ? AND state = 'pending'",
            (said.state, said.code, said.next_attempt_ms, settled_ms, str(said.record_id)),
        )


def offer_again(db: sqlite3.Connection, *, recording: UUID | None, record: UUID | None) -> int:
    """Make acknowledged and dead records pending again, of one recording, one of them, or all; return how many."""
    only = [None if chosen is None else str(chosen) for chosen in (recording, record)]
    return db.execute(
        "UPDATE records SET state = 'pending', attempts = 0, next_attempt_ms = 0, settled_ms = NULL, code = ''"
        " WHERE state IN ('acknowledged', 'dead') AND (?1 IS NULL OR recording = ?1) AND (?2 IS NULL OR id = ?2)",
        only,
    ).rowcount


def delete_settled(db: sqlite3.Connection, *, acknowledged_until_ms: int, dead_until_ms: int | None) -> int:
    """Delete a few records that were settled until then; return how many: 0 when none are left.

    Args:
        db: a transaction.
        acknowledged_until_ms: Unix time in milliseconds, for acknowledged ones.
        dead_until_ms: the same for dead and unreadable ones; None to keep them.
    """
    return db.execute(
        "DELETE FROM records WHERE device_seq IN (SELECT device_seq FROM records"
        " WHERE state = 'acknowledged' AND settled_ms <= ?"
        " OR state IN ('dead', 'unreadable') AND settled_ms <= ? LIMIT ?)",
        (acknowledged_until_ms, dead_until_ms, _DELETED_AT_ONCE),
    ).rowcount


def delete_utterances(db: sqlite3.Connection, *, recording: UUID) -> int:
    """Delete a few utterances of a recording in whatever state; return how many: 0 when none are left."""
    return db.execute(
        "DELETE FROM records WHERE device_seq IN (SELECT device_seq FROM records"
        " WHERE recording = ? AND kind = 'utterance' LIMIT ?)",
        (str(recording), _DELETED_AT_ONCE),
    ).rowcount
