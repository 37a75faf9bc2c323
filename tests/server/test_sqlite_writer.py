"""The group-commit writer: disk full, overload, other writers, and its durability settings."""

import asyncio
import sqlite3
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from models.errors import StoreError
from server.store.database import OverloadedError
from server.store.migrate import upgrade
from server.store.sqlite import SqliteDatabase
from server.store.tables.access import tenant

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _add(conn: Connection, name: str) -> str:
    conn.execute(tenant.insert().values(name=name, created_at=NOW))
    return name


def _names(conn: Connection) -> set[str]:
    return set(conn.execute(select(tenant.c.name)).scalars())


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A SQLite file with this version's schema."""
    file = tmp_path / "voicetrail.db"
    await upgrade(f"sqlite:///{file}")
    return file


async def test_commits_survive_a_power_cut_by_setting(path: Path) -> None:
    """The writer syncs every commit, in WAL mode, and overwrites what is deleted."""
    db = SqliteDatabase(path)
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    read = await db.write(lambda conn: [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas])
    await db.close()
    assert read == ["wal", 2, 1, 1]


async def test_waiting_functions_share_a_commit(path: Path) -> None:
    """While one commit is under way the others gather, and stand in one transaction."""
    db = SqliteDatabase(path)
    begun, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def hold(conn: Connection) -> None:
        begun.set()
        assert go_on.wait(30)

    def note(conn: Connection) -> None:
        # Rows of this very transaction are visible before the commit.
        seen.append(len(_names(conn)))
        _add(conn, f"t{len(seen)}")

    first = asyncio.ensure_future(db.write(hold))
    assert await asyncio.to_thread(begun.wait, 30)
    others = [asyncio.ensure_future(db.write(note)) for _ in range(5)]
    await asyncio.sleep(0)
    outside = sqlite3.connect(path)
    go_on.set()
    await asyncio.gather(first, *others)
    assert seen == [0, 1, 2, 3, 4]
    assert outside.execute("SELECT count(*) FROM tenant").fetchone() == (5,)
    outside.close()
    await db.close()


async def test_full_disk_acknowledges_nothing_of_the_group(path: Path) -> None:
    """When the commit cannot be made, nobody of the group hears a yes, and later writes go on."""
    db = SqliteDatabase(path)
    pages = await db.write(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar_one())
    await db.write(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}"))
    results = await asyncio.gather(
        *(db.write(partial(_add, name=f"{at:03}" + "x" * 190)) for at in range(200)),
        return_exceptions=True,
    )
    failed = [result for result in results if isinstance(result, StoreError)]
    acknowledged = {result for result in results if isinstance(result, str)}
    assert failed, "the disk was not full"
    assert len(failed) + len(acknowledged) == 200
    assert {(error.code, error.permanent) for error in failed} == {("store_unavailable", False)}
    assert await db.read(_names) == acknowledged
    await db.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count=1000000"))
    assert await db.write(lambda conn: _add(conn, "room again")) == "room again"
    await db.close()


async def test_too_much_waiting_is_refused(path: Path) -> None:
    """The queue is bounded: what does not fit is told to come back, what fits is stored."""
    db = SqliteDatabase(path, max_waiting=3)
    begun, go_on = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        begun.set()
        assert go_on.wait(30)

    first = asyncio.ensure_future(db.write(hold))
    assert await asyncio.to_thread(begun.wait, 30)
    waiting = [asyncio.ensure_future(db.write(partial(_add, name=f"t{at}"))) for at in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await db.write(lambda conn: _add(conn, "one too many"))
    go_on.set()
    await asyncio.gather(first, *waiting)
    assert await db.read(_names) == {"t0", "t1", "t2"}
    await db.close()


async def test_another_process_that_writes_is_waited_for(path: Path) -> None:
    """A worker of its own may hold the lock for a moment; the writer waits and loses nothing."""
    db = SqliteDatabase(path)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    release.start()
    assert await db.write(lambda conn: _add(conn, "patient")) == "patient"
    release.join()
    other.close()
    await db.close()


async def test_close_commits_what_waits(path: Path) -> None:
    """Closing right after writing drops nothing."""
    db = SqliteDatabase(path)
    writes = [asyncio.ensure_future(db.write(partial(_add, name=f"t{at}"))) for at in range(50)]
    await asyncio.sleep(0)
    await db.close()
    await asyncio.gather(*writes)
    with sqlite3.connect(path) as check:
        assert check.execute("SELECT count(*) FROM tenant").fetchone() == (50,)
    with pytest.raises(StoreError):
        await db.write(lambda conn: _add(conn, "too late"))


async def test_missing_file_is_not_made(tmp_path: Path) -> None:
    """Only setup makes a database; a wrong folder is an error with advice, not an empty database."""
    db = SqliteDatabase(tmp_path / "nothing.db")
    for attempt in (db.read(_names), db.write(lambda conn: _add(conn, "x"))):
        with pytest.raises(StoreError) as caught:
            await attempt
        assert "setup" in caught.value.advice
    await db.close()
    assert list(tmp_path.iterdir()) == []


async def test_read_only_database_refuses(path: Path) -> None:
    """A database that became read-only refuses writes with a clear error."""
    db = SqliteDatabase(path)
    await db.write(lambda conn: conn.exec_driver_sql("PRAGMA query_only=ON"))
    with pytest.raises(StoreError) as caught:
        await db.write(lambda conn: _add(conn, "x"))
    assert (caught.value.code, caught.value.permanent) == ("store_unavailable", False)
    assert await db.read(_names) == set()
    await db.close()
