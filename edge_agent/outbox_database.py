"""The outbox's SQLite file: how it is opened, its schema and migrations, its transactions and its errors."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from edge_agent.reserve import Reserve
from models.errors import OutboxError

T = TypeVar("T")

DATABASE_FILE: Final = "outbox.db"
_BUSY_MS: Final = 15_000
_PAGE_BYTES: Final = 4096
_LOG_PAGES: Final = 64
"""The write-ahead log is folded into the file at 256 KB: on a full disk the held-back space must hold it twice."""
_VACUUM_PAGES: Final = 256
_SETTLING_PAGES: Final = 256
"""1 MiB beyond the limit for settling, so that an outbox at its limit can still be emptied."""

# Entry n brings a file from `PRAGMA user_version` n to n + 1. Entries are never changed, only added.
MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE device (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        next_seq INTEGER NOT NULL,
        clock_offset_ms INTEGER NOT NULL,
        key_check TEXT NOT NULL
    ) STRICT;
    CREATE TABLE recordings (
        id TEXT PRIMARY KEY,
        fingerprint TEXT NOT NULL,
        take INTEGER NOT NULL,
        live INTEGER NOT NULL,
        sealed BLOB,
        blocks INTEGER NOT NULL DEFAULT 0,
        until_ms INTEGER NOT NULL DEFAULT 0,
        alive_ms INTEGER NOT NULL DEFAULT 0,
        complete INTEGER NOT NULL DEFAULT 0,
        utterances INTEGER NOT NULL DEFAULT 0,
        quarantined INTEGER NOT NULL DEFAULT 0,
        heard_ms INTEGER NOT NULL DEFAULT 0,
        silent_ms INTEGER NOT NULL DEFAULT 0,
        lost_ms INTEGER NOT NULL DEFAULT 0,
        withheld_ms INTEGER NOT NULL DEFAULT 0,
        UNIQUE (fingerprint, take)
    ) STRICT;
    CREATE TABLE records (
        device_seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        recording TEXT REFERENCES recordings (id),
        kind TEXT NOT NULL,
        sealed BLOB NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'acknowledged', 'dead', 'unreadable')),
        attempts INTEGER NOT NULL DEFAULT 0,
        next_attempt_ms INTEGER NOT NULL DEFAULT 0,
        made_ms INTEGER NOT NULL,
        settled_ms INTEGER,
        code TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX records_by_state ON records (state, attempts, device_seq);
    CREATE INDEX records_by_recording ON records (recording);
    """,
    """
    ALTER TABLE device ADD COLUMN clock_boot TEXT NOT NULL DEFAULT '';
    ALTER TABLE device ADD COLUMN clock_since_start_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE device ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
    ALTER TABLE device ADD COLUMN fingerprint_key BLOB;
    """,
)


class OutboxDatabase:
    """One connection to the outbox's file; a thread that needs another opens its own."""

    def __init__(self, folder: Path, *, max_mb: int, reserve_kb: int) -> None:
        self._path = folder / DATABASE_FILE
        self._reserve = Reserve(folder, size_kb=reserve_kb)
        self._max_pages = max_mb * 1024 * 1024 // _PAGE_BYTES
        self._db = self._with_headroom(self._connect)

    def _connect(self) -> sqlite3.Connection:
        with _translated(self._path):
            db = sqlite3.connect(self._path, timeout=_BUSY_MS / 1000, isolation_level=None)
            try:
                db.row_factory = sqlite3.Row
                # auto_vacuum takes effect only before the first table; a file that has tables ignores it.
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                db.execute("PRAGMA journal_mode = WAL")
                # NORMAL can lose the last commits on power loss; measured: FULL costs 2 ms per commit.
                db.execute("PRAGMA synchronous = FULL")
                db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
                db.execute("PRAGMA secure_delete = ON")
                db.execute("PRAGMA foreign_keys = ON")
                self._path.chmod(0o600)
                self._migrate(db)
            except BaseException:  # whatever it is, Ctrl-C too: nobody else has the connection to close it
                db.close()
                raise
        return db

    def _migrate(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            if version > len(MIGRATIONS):
                raise OutboxError(
                    f"{self._path} has version {version}; this program knows {len(MIGRATIONS)}",
                    code="outbox_newer",
                    permanent=True,
                    advice="Install the newer program again, or name another folder with --data.",
                )
            for script in MIGRATIONS[version:]:
                for statement in filter(None, map(str.strip, script.split(";"))):
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            db.execute("COMMIT")
        except BaseException:  # whatever it is, Ctrl-C too: half a migration is never committed
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view.

        Raises:
            OutboxError: the file cannot be read.
        """
        with _translated(self._path):
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _writing(self, *, max_pages: int) -> Iterator[sqlite3.Connection]:
        with _translated(self._path):
            self._db.execute(f"PRAGMA max_page_count = {max_pages}")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def growing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that adds rows; all of it happens or nothing.

        Raises:
            OutboxError: `outbox_full` when the disk or the outbox's own limit leaves no room.
        """
        self._reserve.hold()
        with self._writing(max_pages=self._max_pages) as db:
            yield db

    def settling(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work that changes or deletes rows in one transaction; it has room even on a full disk.

        The work may run twice: the first time is rolled back when the disk turns out to be full.

        Raises:
            OutboxError: the file cannot be written.
        """

        def once() -> T:
            with self._writing(max_pages=self._max_pages + _SETTLING_PAGES) as db:
                return work(db)

        return self._with_headroom(once)

    def give_space_back(self) -> None:
        """Return freed pages to the disk, a few at a time so that the log stays small, and fold the log into the file.

        Raises:
            OutboxError: the file cannot be written.
        """
        with _translated(self._path):
            free_pages = int(self._db.execute("PRAGMA freelist_count").fetchone()[0])
            for _ in range(0, free_pages, _VACUUM_PAGES):
                self._db.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})").fetchall()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _with_headroom(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except OutboxError as error:
            if error.code != "outbox_full" or not self._reserve.release():
                raise
        return work()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _as_outbox_error(error, path) from error


def _as_outbox_error(error: sqlite3.Error, path: Path) -> OutboxError:
    # Errors of the module itself, such as a closed connection, carry no SQLite code.
    name: str = getattr(error, "sqlite_errorname", "") or ""
    if name == "SQLITE_FULL":
        return OutboxError(
            "the outbox is full: nothing more can be recorded",
            code="outbox_full",
            advice="Free disk space, or let the device reach its server so that records are delivered and deleted.",
        )
    if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT"):
        return OutboxError(
            f"{path} is damaged: {error}",
            code="outbox_damaged",
            permanent=True,
            advice="Move outbox.db aside (keep it with data.key for recovery) and start again.",
        )
    if name == "SQLITE_BUSY":
        return OutboxError(f"{path} is in use by another process", code="outbox_busy", advice="Try again.")
    return OutboxError(
        f"{path} cannot be used: {error}",
        code="outbox_io",
        advice="Check the disk and the rights on the data folder.",
    )
