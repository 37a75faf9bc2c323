"""How an outbox stands: its backlog, its dead letters, what keeps it back, and the server's clock as it knows it."""

import sqlite3
from uuid import UUID

from edge_agent.outbox_records import opened
from edge_agent.outbox_rows import Backlog, DeadLetter, Letter, RecordState
from edge_agent.sealing import Sealer
from edge_agent.server_clock import ServerClock


def backlog(db: sqlite3.Connection, *, letters: int) -> Backlog:
    """Return how the outbox stands, with at most that many dead letters."""
    counts = {row[0]: row[1] for row in db.execute("SELECT state, count(*) FROM records GROUP BY state")}
    oldest, most = db.execute(
        "SELECT min(made_ms), coalesce(max(attempts), 0) FROM records WHERE state = 'pending'"
    ).fetchone()
    (why,) = db.execute(
        "SELECT coalesce(nullif(trouble, ''), (SELECT code FROM records WHERE state = 'pending'"
        " ORDER BY attempts DESC, device_seq LIMIT 1), '') FROM device"
    ).fetchone()
    rows = db.execute(
        "SELECT id, kind, state, code, attempts, made_ms FROM records WHERE state IN ('dead', 'unreadable')"
        " ORDER BY device_seq LIMIT ?",
        (letters,),
    ).fetchall()
    return Backlog(
        pending=counts.get("pending", 0),
        acknowledged=counts.get("acknowledged", 0),
        dead=counts.get("dead", 0),
        unreadable=counts.get("unreadable", 0),
        oldest_pending_ms=oldest,
        most_attempts=most,
        why=why if oldest is not None else "",
        dead_letters=tuple(_about(row) for row in rows),
    )


def letter(db: sqlite3.Connection, record: UUID, *, sealer: Sealer) -> Letter | None:
    """Return one record, opened; None when it is not here."""
    row = db.execute("SELECT * FROM records WHERE id = ?", (str(record),)).fetchone()
    if row is None:
        return None
    readable, _ = opened([row], sealer=sealer)
    return Letter(about=_about(row), record=readable[0].record if readable else None)


def note_trouble(db: sqlite3.Connection, code: str) -> None:
    """Keep why delivery as a whole does not go on; empty when it does."""
    db.execute("UPDATE device SET trouble = ? WHERE trouble != ?", (code, code))


def server_clock(db: sqlite3.Connection) -> ServerClock:
    """Return what is known of the server's clock."""
    row = db.execute("SELECT clock_offset_ms, clock_boot, clock_since_start_ms FROM device").fetchone()
    return ServerClock(offset_ms=row[0], boot=row[1], since_start_ms=row[2])


def set_server_clock(db: sqlite3.Connection, clock: ServerClock) -> None:
    """Keep what was measured of it."""
    db.execute(
        "UPDATE device SET clock_offset_ms = ?, clock_boot = ?, clock_since_start_ms = ?",
        (clock.offset_ms, clock.boot, clock.since_start_ms),
    )


def _about(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        record_id=UUID(row["id"]),
        kind=row["kind"],
        state=RecordState(row["state"]),
        code=row["code"],
        attempts=row["attempts"],
        made_ms=row["made_ms"],
    )
