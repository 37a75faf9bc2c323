"""The schema that migrations make is the schema that the code speaks."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from models.errors import StoreError
from server.store.database import Database
from server.store.migrate import SchemaState, require_current, state, upgrade
from server.store.schema import metadata


async def test_migrated_schema_is_the_metadata(database: Database) -> None:
    """Tables, columns, types, keys and indexes are the same by either way."""

    def differences(conn: Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await database.read(differences) == []


async def test_upgrading_again_changes_nothing(database: Database, database_url: str) -> None:
    """`migrate` may run at every start."""
    await database.write(lambda conn: conn.execute(text("INSERT INTO tenant (name) VALUES ('kept')")))
    await upgrade(database_url)
    assert await database.read(lambda conn: conn.execute(text("SELECT name FROM tenant")).scalar()) == "kept"
    assert await database.read(state) is SchemaState.CURRENT


@pytest.mark.parametrize(
    ("statement", "expected", "advice"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema_newer", "newer version"),
        ("DELETE FROM alembic_version", "schema_empty", "setup"),
    ],
)
async def test_wrong_schema_is_refused_with_advice(
    database: Database, statement: str, expected: str, advice: str
) -> None:
    """A server does not run on a schema that it does not know."""
    await database.write(lambda conn: conn.execute(text(statement)))
    with pytest.raises(StoreError) as caught:
        await require_current(database)
    assert (caught.value.code, caught.value.permanent) == (expected, True)
    assert advice in caught.value.advice


async def test_newer_schema_is_not_upgraded(database: Database, database_url: str) -> None:
    """`migrate` of an old version leaves a newer database alone."""
    await database.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match="newer"):
        await upgrade(database_url)
