"""The one way to write and read, on both databases: whole or not at all, and acknowledged only when durable."""

import asyncio
import threading
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.exc import IntegrityError

from models.errors import StoreError
from server.store.database import Database
from server.store.tables.access import tenant

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _add(conn: Connection, name: str) -> str:
    conn.execute(tenant.insert().values(name=name, created_at=NOW))
    return name


def _names(conn: Connection) -> list[str]:
    return list(conn.execute(select(tenant.c.name).order_by(tenant.c.name)).scalars())


async def test_what_was_written_is_read(database: Database) -> None:
    """A write hands back the function's result, and the next read sees it."""
    assert await database.write(lambda conn: _add(conn, "a")) == "a"
    assert await database.read(_names) == ["a"]


async def test_concurrent_writes_all_arrive(database: Database) -> None:
    """Two hundred writes at once are two hundred rows."""
    names = [f"t{number:03}" for number in range(200)]
    written = await asyncio.gather(*(database.write(partial(_add, name=name)) for name in names))
    assert list(written) == names
    assert await database.read(_names) == names


async def test_a_failing_function_takes_no_other_with_it(database: Database) -> None:
    """Of functions that share a commit, the one that fails leaves nothing and the others stand."""

    def half(conn: Connection) -> None:
        _add(conn, "half")
        raise LookupError("on purpose")

    def twice(conn: Connection) -> None:
        _add(conn, "twice")
        _add(conn, "twice")

    results = await asyncio.gather(
        database.write(lambda conn: _add(conn, "first")),
        database.write(half),
        database.write(twice),
        database.write(lambda conn: _add(conn, "last")),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [str, LookupError, IntegrityError, str]
    assert await database.read(_names) == ["first", "last"]


async def test_an_error_quotes_no_values(database: Database) -> None:
    """Errors go to logs; what customers said must not go with them."""

    def clash(conn: Connection) -> None:
        _add(conn, "secret words")
        _add(conn, "secret words")

    with pytest.raises(IntegrityError) as caught:
        await database.write(clash)
    assert "[SQL parameters hidden" in str(caught.value)


async def test_a_read_changes_nothing(database: Database) -> None:
    """What a reader tries to write is refused or rolled back."""
    with pytest.raises(StoreError, match=r"readonly|25006"):
        await database.read(lambda conn: _add(conn, "x"))
    assert await database.read(_names) == []


async def test_a_read_sees_one_moment(database: Database, database_url: str) -> None:
    """Two queries of one read agree, whatever is committed between them."""
    await database.write(lambda conn: _add(conn, "a"))

    async def write_elsewhere() -> None:
        other = Database.open(database_url)
        await other.write(lambda conn: _add(conn, "b"))
        await other.close()

    def twice(conn: Connection) -> tuple[list[str], list[str]]:
        before = _names(conn)
        writer = threading.Thread(target=lambda: asyncio.run(write_elsewhere()))
        writer.start()
        writer.join()
        return before, _names(conn)

    assert await database.read(twice) == (["a"], ["a"])
    assert await database.read(_names) == ["a", "b"]


async def test_cancelled_request_leaves_the_others(database: Database) -> None:
    """A client that goes away while it waits disturbs nobody else's write."""
    tasks = [asyncio.ensure_future(database.write(partial(_add, name=f"t{at}"))) for at in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[3], asyncio.CancelledError)
    assert [result for at, result in enumerate(results) if at != 3] == [f"t{at}" for at in range(20) if at != 3]


@pytest.mark.parametrize("url", ["", "mysql://root@localhost/x", "sqlite://", "no url"])
def test_unknown_url_is_refused_with_advice(url: str) -> None:
    """Only SQLite files and PostgreSQL are databases of ours."""
    with pytest.raises(StoreError) as caught:
        Database.open(url)
    assert caught.value.code == "database_url_unknown"
    assert "postgresql://" in caught.value.advice


async def test_postgres_that_is_away_is_unavailable() -> None:
    """Nothing listens: a clear error that goes away by itself, not a crash."""
    db = Database.open("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StoreError) as caught:
        await db.write(lambda conn: conn.execute(text("SELECT 1")).scalar_one())
    assert (caught.value.code, caught.value.permanent) == ("store_unavailable", False)
    await db.close()
