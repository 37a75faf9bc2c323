"""Databases for tests: SQLite always, PostgreSQL where this machine has one."""

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

DATABASES = ("sqlite", "postgresql")
POSTGRES_URL = os.environ.get("VOICETRAIL_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


def _on_postgres(statement: str, url: str = POSTGRES_URL) -> list[tuple[Any, ...]]:
    async def execute() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(execute())


@contextmanager
def fresh_database(kind: str) -> Iterator[str | None]:
    """Give the URL of a new PostgreSQL database, dropped afterwards; None stands for SQLite in the data folder."""
    if kind == "sqlite":
        yield None
        return
    name = f"voicetrail_test_{uuid4().hex}"
    try:
        _on_postgres(f'CREATE DATABASE "{name}"')
    except OSError as error:
        pytest.skip(f"no PostgreSQL at VOICETRAIL_TEST_POSTGRES_URL or on this machine: {error}")
    try:
        yield POSTGRES_URL.rsplit("/", 1)[0] + f"/{name}"
    finally:
        _on_postgres(f'DROP DATABASE "{name}" WITH (FORCE)')


def rows(statement: str, *, folder: Path, url: str | None) -> list[tuple[Any, ...]]:
    """Read rows straight from the server's database, past all of our own code."""
    if url is not None:
        return _on_postgres(statement, url)
    with sqlite3.connect(f"file:{folder / 'voicetrail.db'}?mode=ro", uri=True, timeout=30) as db:
        return db.execute(statement).fetchall()
