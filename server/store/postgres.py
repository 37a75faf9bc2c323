"""PostgreSQL by asyncpg: each function runs in a transaction of its own on a pooled connection."""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from models.errors import StoreError
from server.store.database import Database, OverloadedError

T = TypeVar("T")

POOL_SIZE: Final = 8
MAX_WAITING: Final = 512
"""Functions that may wait for a connection, as for the writer of SQLite."""
ATTEMPTS: Final = 3
"""Deadlocks and serialisation failures go away when the transaction runs again."""

_AGAIN: Final = ("40001", "40P01")
# Classes of SQLSTATE (PostgreSQL appendix A): connection, out of resources, operator's doing, system error.
_UNAVAILABLE: Final = ("08", "53", "57", "58", "25006")


class PostgresDatabase(Database):
    """One PostgreSQL database."""

    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=30,
            # Asking before every use costs a round trip; a restart of the database costs some 503 answers instead.
            pool_pre_ping=False,
            hide_parameters=True,
        )
        # Shares the pool.
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._waiting = 0

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction; again when it lost to another one."""
        return await self._transact(self._engine, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, in one snapshot."""
        return await self._transact(self._snapshots, work)

    async def forget_deleted(self) -> None:
        """Do nothing: PostgreSQL reuses the space by itself (autovacuum) and recycles its log."""

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    async def _transact(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise OverloadedError("Too much is waiting to be stored.")
        self._waiting += 1
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    async with engine.begin() as conn:
                        return await conn.run_sync(work)
                except DBAPIError as error:
                    if attempt == ATTEMPTS or _sqlstate(error) not in _AGAIN:
                        raise _as_store_error(error) from error
            raise AssertionError("unreachable: the last attempt returns or raises")
        except PoolTimeout as error:
            raise OverloadedError("No connection to the database came free.") from error
        except OSError as error:
            raise StoreError("The database cannot be reached.", code="store_unavailable") from error
        finally:
            self._waiting -= 1


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or "")


def _as_store_error(error: DBAPIError) -> Exception:
    state = _sqlstate(error)
    if error.connection_invalidated or state.startswith(_UNAVAILABLE):
        return StoreError(f"The database cannot be used now ({state or 'connection lost'}).", code="store_unavailable")
    return error
