"""One way to read and write on SQLite and PostgreSQL alike.

A unit of work is a plain function of a SQLAlchemy Core connection. One call is one transaction: the function never
commits, and `write` returns only after its commit is durable.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models.errors import StoreError

T = TypeVar("T")


class OverloadedError(StoreError):
    """More is waiting to be written than the database can take soon."""

    code = "overloaded"


class LogInUseError(StoreError):
    """Somebody still reads what the database looked like before."""

    code = "log_in_use"


class Database(ABC):
    """A database that takes transactions as functions."""

    @staticmethod
    def open(url: str) -> "Database":
        """Open the database of a URL: sqlite:///path or postgresql://user@host/name.

        Raises:
            StoreError: the URL cannot be understood.
        """
        # Imported here: each back end imports this module, and SQLite needs no asyncpg.
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise _unknown_url() from None
        match parsed.get_backend_name():
            case "sqlite" if parsed.database:
                from server.store.sqlite import SqliteDatabase  # it imports this module

                return SqliteDatabase(parsed.database)
            case "postgresql" | "postgres":
                from server.store.postgres import PostgresDatabase  # it imports this module

                return PostgresDatabase(parsed)
        raise _unknown_url()

    @abstractmethod
    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one transaction and return its result after the commit.

        Raises:
            StoreError: it could not be committed (disk full, read-only, database away, overloaded); nothing is kept.
            Exception: whatever the function raised; nothing of it is kept.
        """

    @abstractmethod
    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, in one snapshot.

        Raises:
            StoreError: the database is away.
        """

    @abstractmethod
    async def forget_deleted(self) -> None:
        """Leave nothing of deleted rows outside the tables.

        Raises:
            LogInUseError: somebody is still reading; try again later.
            StoreError: the database is away.
        """

    @abstractmethod
    async def close(self) -> None:
        """Finish what is waiting and let the connections go."""


def _unknown_url() -> StoreError:
    return StoreError(
        "The database URL is not understood.",
        code="database_url_unknown",
        permanent=True,
        advice="Use sqlite:///path/to/file.db or postgresql://user:password@host/name.",
    )
