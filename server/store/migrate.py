"""Bring a database to the schema of this version, and say whether it is there."""

from enum import StrEnum
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from models.errors import StoreError
from server.store.database import Database

SCRIPTS: Final = "server.store:migrations"


class SchemaState(StrEnum):
    """How the schema of a database stands to the one this version was written for."""

    CURRENT = "current"
    EMPTY = "empty"
    OLDER = "older"
    NEWER = "newer"


async def upgrade(url: str) -> None:
    """Create the database file or upgrade the schema to this version's.

    Raises:
        StoreError: the database is away, or newer than this version.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True)
        with engine.begin() as conn:
            conn.exec_driver_sql("PRAGMA journal_mode=WAL")
            upgrade_connection(conn)
        engine.dispose()
        return
    db = Database.open(url)
    try:
        await db.write(upgrade_connection)
    finally:
        await db.close()


def upgrade_connection(conn: Connection) -> None:
    """Upgrade on a connection, in its transaction.

    Raises:
        StoreError: the schema is newer than this version.
    """
    if state(conn) is SchemaState.NEWER:
        raise _wrong_schema(SchemaState.NEWER)
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def state(conn: Connection) -> SchemaState:
    """Compare the schema's revision with this version's."""
    scripts = ScriptDirectory.from_config(_config())
    current = MigrationContext.configure(conn).get_current_revision()
    if current is None:
        return SchemaState.EMPTY
    if current == scripts.get_current_head():
        return SchemaState.CURRENT
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState.OLDER if current in known else SchemaState.NEWER


async def require_current(db: Database) -> None:
    """Refuse a database whose schema is not this version's.

    Raises:
        StoreError: it is empty, older or newer; the advice says what to run.
    """
    found = await db.read(state)
    if found is not SchemaState.CURRENT:
        raise _wrong_schema(found)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config


def _wrong_schema(found: SchemaState) -> StoreError:
    advice = {
        SchemaState.EMPTY: "Run `voicetrail-server setup`.",
        SchemaState.OLDER: "Make a copy of the database, then run `voicetrail-server migrate`.",
        SchemaState.NEWER: "A newer version wrote this database: run that version, or go back to a copy.",
    }[found]
    return StoreError(f"The database's schema is {found}.", code=f"schema_{found}", permanent=True, advice=advice)
