"""SQLite behind one group-commit writer thread.

All functions that wait are run in one transaction, each in its own savepoint, and share one COMMIT: that makes
`synchronous=FULL` affordable (a commit costs an fsync, however much stands in it). A result is handed back only
after the commit; when the commit fails, all of the group fail and nothing was promised.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from models.errors import StoreError
from server.store.database import Database, LogInUseError, OverloadedError

T = TypeVar("T")

MAX_WAITING: Final = 512
"""Functions that may wait for the writer; at 20 records each some 10,000 records, well below a second of work."""
MAX_GROUP: Final = 64
"""Functions in one commit; keeps the longest wait for a commit short."""
READERS: Final = 4
LOG_TIMEOUT_MS: Final = 1_000
"""How long to wait for readers when the log is to be emptied; the writer waits meanwhile."""
BUSY_TIMEOUT_MS: Final = 5_000
"""How long to wait for another process that writes, such as a worker of its own."""

# Errors of the machine, not of the statement: full disk, read-only, a lock that another process kept, I/O.
_UNAVAILABLE: Final = (
    "SQLITE_FULL",
    "SQLITE_READONLY",
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
)


@dataclass(slots=True)
class _Waiting:
    work: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = field(default=None)

    def settle(self) -> None:
        """Hand the outcome to whoever waits; runs in the loop of the one who asked."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class SqliteDatabase(Database):
    """One SQLite file: one writer thread, a few readers."""

    def __init__(self, path: str | Path, *, max_waiting: int = MAX_WAITING) -> None:
        self._path = Path(path)
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(max_waiting)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")
        self._read_engine = create_engine(
            "sqlite://",
            creator=self._connect_reader,
            poolclass=QueuePool,
            pool_size=READERS,
            max_overflow=0,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
        self._closed = False
        self._writer: threading.Thread | None = None
        self._start = threading.Lock()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in the next group and return its result after the commit."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(work, loop, loop.create_future())
        self._ensure_writer()
        try:
            self._queue.put_nowait(waiting)
        except queue.Full:
            raise OverloadedError("Too much is waiting to be stored.") from None
        result: T = await waiting.future
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function on a reader connection, in one snapshot."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def forget_deleted(self) -> None:
        """Fold the write-ahead log into the file and empty it: it still holds pages as they were before."""
        await asyncio.get_running_loop().run_in_executor(self._readers, self._empty_log)

    async def close(self) -> None:
        """Commit what is waiting, then close every connection."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await asyncio.to_thread(self._queue.put, None)
            await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._read_engine.dispose()

    def _ensure_writer(self) -> None:
        if self._closed:
            raise StoreError("The database is closed.", code="closed")
        if self._writer is not None:
            return
        with self._start:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_until_closed, name="sqlite-writer", daemon=True)
                self._writer.start()

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._read_engine.connect() as conn:
                conn.exec_driver_sql("BEGIN")
                try:
                    return work(conn)
                finally:
                    conn.exec_driver_sql("ROLLBACK")
        except (DBAPIError, sqlite3.Error) as error:
            raise _as_store_error(error) from error

    def _empty_log(self) -> None:
        try:
            conn = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=rw", uri=True)
            try:
                conn.execute(f"PRAGMA busy_timeout={LOG_TIMEOUT_MS}")
                conn.execute("PRAGMA secure_delete=ON")
                busy, _, _ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                conn.close()
        except sqlite3.Error as error:
            raise _as_store_error(error) from error
        if busy:
            raise LogInUseError("The write-ahead log is in use.")

    def _connect_reader(self) -> sqlite3.Connection:
        # A URI with mode=rw: opening must not make an empty database where setup has made none.
        conn = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False)
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        conn.execute("PRAGMA query_only=ON")
        return conn

    def _connect_writer(self) -> sqlite3.Connection:
        conn = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?mode=rw", uri=True, check_same_thread=False, cached_statements=512
        )
        conn.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA foreign_keys=ON")
        # Erased text must not stay readable in free pages.
        conn.execute("PRAGMA secure_delete=ON")
        return conn

    def _write_until_closed(self) -> None:
        engine: Engine = create_engine(
            "sqlite://",
            creator=self._connect_writer,
            poolclass=StaticPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
        )
        try:
            while (first := self._queue.get()) is not None:
                group, goes_on = self._take_group(first)
                self._commit_group(engine, group)
                _settle(group)
                if not goes_on:
                    break
        finally:
            engine.dispose()

    def _take_group(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Return all that wait, up to a limit, and whether there may be more after them."""
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
        return group, True

    def _commit_group(self, engine: Engine, group: list[_Waiting]) -> None:
        """Run a group in one transaction; afterwards each has its result or its error."""
        try:
            with engine.connect() as conn:
                # What the engine's creator made.
                raw = cast(sqlite3.Connection, conn.connection.driver_connection)
                raw.execute("BEGIN IMMEDIATE")
                try:
                    for waiting in group:
                        _run(raw, conn, waiting)
                    raw.execute("COMMIT")
                finally:
                    if raw.in_transaction:
                        raw.execute("ROLLBACK")
        except (DBAPIError, sqlite3.Error, StoreError) as error:
            failure = error if isinstance(error, StoreError) else _as_store_error(error)
            for waiting in group:
                waiting.error = waiting.error or failure


def _run(raw: sqlite3.Connection, conn: Connection, waiting: _Waiting) -> None:
    """Run one function in its savepoint, so that its failure is its own.

    Raises:
        StoreError: the failure was not its own: SQLite gave up the whole transaction, or the disk is full.
    """
    raw.execute("SAVEPOINT work")
    try:
        waiting.result = waiting.work(conn)
    # The edge between the writer and other people's functions: whatever they raise goes back to who sent them.
    except Exception as error:
        if isinstance(error, (DBAPIError, sqlite3.Error)) and _is_unavailable(error):
            raise _as_store_error(error) from error
        if not raw.in_transaction:
            raise StoreError("SQLite rolled the transaction back.", code="store_rolled_back") from error
        waiting.error = error
        raw.execute("ROLLBACK TO work")
    raw.execute("RELEASE work")


def _settle(group: list[_Waiting]) -> None:
    """Wake everyone of a group, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for waiting in group:
        by_loop.setdefault(waiting.loop, []).append(waiting)
    for loop, settled in by_loop.items():
        # A loop that was closed has nobody left who waits.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(settled: list[_Waiting]) -> None:
    for waiting in settled:
        waiting.settle()


def _error_name(error: DBAPIError | sqlite3.Error) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(cause, "sqlite_errorname", ""))


def _is_unavailable(error: DBAPIError | sqlite3.Error) -> bool:
    return _error_name(error).startswith(_UNAVAILABLE)


def _as_store_error(error: DBAPIError | sqlite3.Error) -> Exception:
    """Return the error to raise: a StoreError when the machine is at fault, else the error itself."""
    name = _error_name(error)
    if not name.startswith(_UNAVAILABLE):
        return error
    advice = {
        "SQLITE_FULL": "Make room on the server's disk.",
        "SQLITE_READONLY": "Make the server's data folder writable.",
        "SQLITE_CANTOPEN": "Run `voicetrail-server setup`, or look whether the data folder is there.",
    }.get(name.partition("_")[0] + "_" + name.split("_")[1], "")
    return StoreError(f"The database cannot be used now ({name.lower()}).", code="store_unavailable", advice=advice)
