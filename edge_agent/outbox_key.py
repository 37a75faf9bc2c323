"""The key under which an outbox is sealed: told from others, and changed for another."""

import sqlite3
from functools import partial
from pathlib import Path
from typing import Final

from edge_agent.outbox_database import DATABASE_FILE, OutboxDatabase
from edge_agent.sealing import Sealer, UnreadableError, take_next_key
from models.errors import OutboxError

_SEALED_AT_ONCE: Final = 20
_DEVICE: Final = "device"
_FINGERPRINT_KEY: Final = "fingerprint-key"


def matching(sealer: Sealer, database: OutboxDatabase, *, folder: Path, is_given: bool) -> Sealer:
    """Return what opens an outbox: the given one, or the next one where a change of keys was all but done.

    Args:
        sealer: under the folder's key, or the one of the settings; a new outbox takes it as its own.
        database: of the outbox.
        folder: where outbox and keys are.
        is_given: the key comes from the settings.

    Raises:
        OutboxError: `data_key_wrong`, or the file cannot be read or written.
    """

    def check(db: sqlite3.Connection) -> tuple[str, bytes | None]:
        db.execute(
            "INSERT INTO device (one, next_seq, clock_offset_ms, key_check) VALUES (1, 0, 0, ?) ON CONFLICT DO NOTHING",
            (sealer.check,),
        )
        known, fingerprint_key = db.execute("SELECT key_check, fingerprint_key FROM device").fetchone()
        return known, fingerprint_key

    known, fingerprint_key = database.settling(check)
    found = sealer
    if known != sealer.check and not is_given:
        # A change of keys was broken off before its last step.
        found = take_next_key(folder, check=known) or sealer
    if known != found.check:
        raise OutboxError(
            f"the data key does not belong to {folder / DATABASE_FILE}",
            code="data_key_wrong",
            permanent=True,
            advice="Put the right data.key (or VOICETRAIL_EDGE_DATA_KEY) back, or move outbox.db aside.",
        )
    if fingerprint_key is not None:
        found.fingerprint_with(found.open(fingerprint_key, identity=_DEVICE, kind=_FINGERPRINT_KEY))
    return found


def seal_anew(database: OutboxDatabase, *, sealer: Sealer, following: Sealer) -> int:
    """Seal every row under another key, a few at a time; return how many rows that are records.

    Broken off, it can be called again, and meanwhile each row opens under one of the two. Nothing may be appended
    meanwhile. Fingerprints stay what they are.

    Args:
        database: of the outbox.
        sealer: under which it is sealed.
        following: under which it shall be.

    Raises:
        OutboxError: the file cannot be read or written.
    """
    both = sealer.beside(following)
    for table, kind in (("recordings", "'recording'"), ("records", "kind")):
        after = -1
        while True:
            work = partial(_sealed_anew, table=table, kind=kind, after=after, both=both, following=following)
            done = database.settling(work)
            if done is None:
                break
            after = done
    fingerprint_key = following.seal(sealer.fingerprint_key, identity=_DEVICE, kind=_FINGERPRINT_KEY)

    def adopt(db: sqlite3.Connection) -> int:
        db.execute("UPDATE device SET key_check = ?, fingerprint_key = ?", (following.check, fingerprint_key))
        return int(db.execute("SELECT count(*) FROM records").fetchone()[0])

    count = database.settling(adopt)
    # The log still holds rows under the former key.
    database.give_space_back()
    return count


def _sealed_anew(
    db: sqlite3.Connection, *, table: str, kind: str, after: int, both: Sealer, following: Sealer
) -> int | None:
    """Seal the next rows of a table under another key; return the last one's number, None when there are no more."""
    rows = db.execute(
        f"SELECT rowid AS number, id, {kind} AS kind, sealed FROM {table} WHERE rowid > ? AND sealed IS NOT NULL"  # noqa: S608 (fixed names)
        " ORDER BY rowid LIMIT ?",
        (after, _SEALED_AT_ONCE),
    ).fetchall()
    for row in rows:
        bound = {"identity": row["id"], "kind": row["kind"]}
        try:
            plain = both.open(row["sealed"], **bound)
        except UnreadableError:
            # It opens under no key; whoever sends it puts it aside and says so.
            continue
        db.execute(
            f"UPDATE {table} SET sealed = ? WHERE rowid = ?",  # noqa: S608 (fixed names)
            (following.seal(plain, **bound), row["number"]),
        )
    return rows[-1]["number"] if rows else None
