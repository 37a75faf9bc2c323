"""The device's outbox: what was said, sealed on disk until the server has it.

Constraints and invariants:
- A record is in the outbox wholly or not at all, together with the progress of its recording: one transaction.
- `device_seq` counts records without a hole, in the order in which they were appended.
- A row changes from pending to acknowledged or dead by the server's verdict only, or to unreadable when its seal
  does not open; one such row never keeps the others back.
- Acknowledged rows stay, sealed, for the retention time: the same outbox can be sent again. Then they are deleted.
- Settling and deleting have room even when the disk is full.
- Text enters only as RedactedText.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from edge_agent import recordings
from edge_agent.outbox_database import DATABASE_FILE, OutboxDatabase
from edge_agent.outbox_rows import Backlog, DeadLetter, Outgoing, RecordState, Settlement
from edge_agent.private_files import make_private_folder
from edge_agent.recordings import Advance, Recording
from edge_agent.sealing import Sealer, UnreadableError, decode_key, load_or_make_key
from edge_agent.settings import EdgeSettings
from models.conversation import Utterance
from models.errors import OutboxError
from models.text import RedactedText
from models.wire import Record

_LONGEST_RETRY_MS = 3_600_000
"""A retry that seems further away was written before the clock was set back; it is due."""

_PURGED_AT_ONCE = 50
"""Deleting writes zeros over what was there, through the log; a few rows at a time keep that small."""


class Outbox:
    """The sealed outbox of one data folder; use one object per thread."""

    def __init__(self, folder: Path, *, settings: EdgeSettings) -> None:
        """Open the outbox, making it where none is.

        Raises:
            OutboxError: it cannot be opened, or its key is missing or of another outbox.
        """
        make_private_folder(folder)
        exists = (folder / DATABASE_FILE).exists()
        if settings.data_key is not None:
            key = decode_key(settings.data_key.get_secret_value())
        else:
            key = load_or_make_key(folder, may_make=not exists)
        self._sealer = Sealer(key)
        self._database = OutboxDatabase(folder, max_mb=settings.outbox_max_mb, reserve_kb=settings.reserve_kb)
        try:
            self._check_key(folder)
        except BaseException:
            self.close()
            raise

    def _check_key(self, folder: Path) -> None:
        mine = self._sealer.fingerprint("key-check")

        def check(db: sqlite3.Connection) -> str:
            db.execute("INSERT INTO device VALUES (1, 0, 0, ?) ON CONFLICT DO NOTHING", (mine,))
            return str(db.execute("SELECT key_check FROM device").fetchone()[0])

        if self._database.settling(check) != mine:
            raise OutboxError(
                f"the data key does not belong to {folder / DATABASE_FILE}",
                code="data_key_wrong",
                permanent=True,
                advice="Put the right data.key (or VOICETRAIL_EDGE_DATA_KEY) back, or move outbox.db aside.",
            )

    def fingerprint(self, *parts: str) -> str:
        """Return what tells a recording from others without saying anything about it."""
        return self._sealer.fingerprint(*parts)

    def append(
        self,
        records: Sequence[Record],
        *,
        now_ms: int,
        begin: Recording | None = None,
        advance: Advance | None = None,
    ) -> None:
        """Store records and their recording's progress in one transaction.

        Args:
            records: their `device_seq` is replaced by the outbox's next numbers.
            now_ms: Unix time in milliseconds.
            begin: a recording that starts with these records.
            advance: how far they bring their recording.

        Raises:
            OutboxError: `outbox_full` and others; then nothing of it was stored.
        """
        for record in records:
            # The type says so already; this holds against model_construct() and other ways around the type.
            if isinstance(record.body, Utterance) and not isinstance(record.body.text, RedactedText):
                raise TypeError("an utterance enters the outbox with RedactedText only")
        recording = begin.id if begin is not None else advance.recording if advance is not None else None
        with self._database.growing() as db:
            if begin is not None:
                recordings.insert(db, begin, sealer=self._sealer)
            first = int(db.execute("SELECT next_seq FROM device").fetchone()[0])
            for seq, record in enumerate(records, start=first):
                self._insert(db, record.model_copy(update={"device_seq": seq}), recording=recording, now_ms=now_ms)
            db.execute("UPDATE device SET next_seq = ?", (first + len(records),))
            if advance is not None:
                recordings.advance(db, advance)

    def _insert(self, db: sqlite3.Connection, record: Record, *, recording: UUID | None, now_ms: int) -> None:
        kind = record.body.body
        sealed = self._sealer.seal(record.model_dump_json().encode(), identity=str(record.id), kind=kind)
        db.execute(
            "INSERT INTO records (device_seq, id, recording, kind, sealed, state, made_ms)"
            " VALUES (?, ?, ?, ?, ?, 'pending', ?)",
            (record.device_seq, str(record.id), str(recording) if recording else None, kind, sealed, now_ms),
        )

    def due(self, *, now_ms: int, limit: int, max_bytes: int) -> list[Outgoing]:
        """Return pending records to send now, at least one if any is due: the least tried first, then in their order.

        So a record that fails for ever never stands in another's way.
        Rows that do not open are put aside as unreadable on the way.

        Raises:
            OutboxError: the file cannot be read or written.
        """
        while True:
            with self._database.reading() as db:
                rows = db.execute(
                    "SELECT device_seq, id, kind, sealed, attempts FROM records WHERE state = 'pending'"
                    " AND (next_attempt_ms <= :now OR next_attempt_ms > :now + :longest)"
                    " ORDER BY attempts, device_seq LIMIT :limit",
                    {"now": now_ms, "longest": _LONGEST_RETRY_MS, "limit": limit},
                ).fetchall()
            opened, unreadable = self._open(rows)
            if unreadable:
                self._put_aside(unreadable, now_ms=now_ms)
            if opened or not rows:
                return _within(opened, max_bytes=max_bytes)

    def _open(self, rows: Sequence[sqlite3.Row]) -> tuple[list[Outgoing], list[int]]:
        opened: list[Outgoing] = []
        unreadable: list[int] = []
        for row in rows:
            try:
                plain = self._sealer.open(row["sealed"], identity=row["id"], kind=row["kind"])
                record = Record.model_validate_json(plain)
            except (UnreadableError, ValidationError):
                unreadable.append(row["device_seq"])
            else:
                opened.append(Outgoing(record=record, attempts=row["attempts"], size_bytes=len(plain)))
        return opened, unreadable

    def _put_aside(self, unreadable: Sequence[int], *, now_ms: int) -> None:
        def put_aside(db: sqlite3.Connection) -> None:
            db.executemany(
                "UPDATE records SET state = 'unreadable', code = 'record_unreadable', settled_ms = ?"
                " WHERE device_seq = ?",
                [(now_ms, seq) for seq in unreadable],
            )

        self._database.settling(put_aside)

    def settle(self, settlements: Sequence[Settlement], *, now_ms: int) -> None:
        """Write down what the server said; a record that is settled already stays so.

        Raises:
            OutboxError: the file cannot be written; then none of it was.
        """

        def settle(db: sqlite3.Connection) -> None:
            for said in settlements:
                settled_ms = None if said.state is RecordState.PENDING else now_ms
                db.execute(
                    "UPDATE records SET state = ?, code = ?, next_attempt_ms = ?, settled_ms = ?,"
                    " attempts = attempts + 1 WHERE id = ? AND state = 'pending'",
                    (said.state, said.code, said.next_attempt_ms, settled_ms, str(said.record_id)),
                )

        self._database.settling(settle)

    def offer_again(self, *, recording: UUID | None = None) -> int:
        """Make acknowledged and dead records pending again, of one recording or all; return how many.

        Raises:
            OutboxError: the file cannot be written.
        """
        only = None if recording is None else str(recording)

        def offer(db: sqlite3.Connection) -> int:
            return db.execute(
                "UPDATE records SET state = 'pending', attempts = 0, next_attempt_ms = 0, settled_ms = NULL, code = ''"
                " WHERE state IN ('acknowledged', 'dead') AND (?1 IS NULL OR recording = ?1)",
                (only,),
            ).rowcount

        return self._database.settling(offer)

    def purge(self, *, now_ms: int, retention_ms: int) -> int:
        """Delete what was acknowledged at least `retention_ms` ago and give its space back; return how many.

        Raises:
            OutboxError: the file cannot be written.
        """

        def delete(db: sqlite3.Connection) -> int:
            return db.execute(
                "DELETE FROM records WHERE device_seq IN (SELECT device_seq FROM records"
                " WHERE state = 'acknowledged' AND settled_ms <= ? LIMIT ?)",
                (now_ms - retention_ms, _PURGED_AT_ONCE),
            ).rowcount

        deleted = 0
        while count := self._database.settling(delete):
            deleted += count
        self._database.settling(recordings.forget_delivered)
        self._database.give_space_back()
        return deleted

    def backlog(self, *, letters: int = 100) -> Backlog:
        """Return how the outbox stands, with at most that many dead letters.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            counts = {row[0]: row[1] for row in db.execute("SELECT state, count(*) FROM records GROUP BY state")}
            oldest, most = db.execute(
                "SELECT min(made_ms), coalesce(max(attempts), 0) FROM records WHERE state = 'pending'"
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
            dead_letters=tuple(_dead_letter(row) for row in rows),
        )

    def recording(self, fingerprint: str) -> Recording | None:
        """Return the last take of a recording, None when it is new.

        Raises:
            OutboxError: the file or the row cannot be read.
        """
        with self._database.reading() as db:
            return recordings.latest(db, fingerprint, sealer=self._sealer)

    def last_texts(self, recording: UUID, *, count: int) -> list[str]:
        """Return the masked texts of a recording's last utterances that are still here, in their order.

        Raises:
            OutboxError: the file cannot be read.
        """
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT device_seq, id, kind, sealed, attempts FROM records WHERE recording = ? AND kind = 'utterance'"
                " ORDER BY device_seq DESC LIMIT ?",
                (str(recording), count),
            ).fetchall()
        opened, _ = self._open(rows[::-1])
        bodies = [outgoing.record.body for outgoing in opened]
        return [body.text.text for body in bodies if isinstance(body, Utterance)]

    def left_open(self) -> list[Recording]:
        """Return the live recordings that a killed program left open.

        Raises:
            OutboxError: the file or a row cannot be read.
        """
        with self._database.reading() as db:
            return list(recordings.left_open(db, sealer=self._sealer))

    def keep_alive(self, recording: UUID, *, alive_ms: int) -> None:
        """Note that a live recording still goes on, so many milliseconds after its start.

        Raises:
            OutboxError: the file cannot be written.
        """
        self._database.settling(lambda db: recordings.keep_alive(db, recording, alive_ms=alive_ms))

    def clock_offset_ms(self) -> int:
        """Return server's clock minus ours as last measured, 0 when never."""
        with self._database.reading() as db:
            return int(db.execute("SELECT clock_offset_ms FROM device").fetchone()[0])

    def set_clock_offset_ms(self, offset_ms: int) -> None:
        """Keep a measured clock offset for records made from now on."""

        def keep(db: sqlite3.Connection) -> None:
            db.execute("UPDATE device SET clock_offset_ms = ?", (offset_ms,))

        self._database.settling(keep)

    def close(self) -> None:
        """Close the file; what was appended stays."""
        self._database.close()


def _within(outgoing: Sequence[Outgoing], *, max_bytes: int) -> list[Outgoing]:
    chosen: list[Outgoing] = []
    total = 0
    for item in outgoing:
        total += item.size_bytes
        if chosen and total > max_bytes:
            break
        chosen.append(item)
    return chosen


def _dead_letter(row: sqlite3.Row) -> DeadLetter:
    return DeadLetter(
        record_id=UUID(row["id"]),
        kind=row["kind"],
        state=RecordState(row["state"]),
        code=row["code"],
        attempts=row["attempts"],
        made_ms=row["made_ms"],
    )
