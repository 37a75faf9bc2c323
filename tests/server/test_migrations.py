"""The schema that migrations make is the schema that the code speaks."""

from datetime import UTC, datetime
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select, text

from models.errors import StoreError
from models.ids import new_id
from models.wire import WithdrawalDelta
from server.conversations.withdrawals import read_withdrawals
from server.store.database import Database
from server.store.migrate import SchemaState, require_current, state, upgrade
from server.store.tables.columns import metadata
from server.store.tables.conversations import (
    consent,
    conversation,
    customer_binding,
    role_revision,
    utterance,
    withdrawal,
    withdrawal_position,
)
from server.store.tables.customers import customer, customer_position


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


async def test_what_an_earlier_version_stored_is_kept(database: Database, database_url: str) -> None:
    """A database of the first revision that is upgraded holds the same words."""
    said = new_id()

    def put(conn: Connection) -> None:
        moment = datetime(2026, 11, 20, tzinfo=UTC)
        envelope = {"record_id": new_id(), "device_id": new_id(), "device_seq": 1, "monotonic_ms": 1}
        times = {"clock_offset_ms": 0, "occurred_at": moment, "recorded_at": moment, "flags": ""}
        body = {
            "id": said,
            "conversation_id": new_id(),
            "role": "staff",
            "role_confidence": 0.5,
            "start_ms": 0,
            "end_ms": 1,
        }
        said_text = {"text": "您好", "masks": [], "redaction": "1", "recognition": {}, "start_ms": 0, "end_ms": 1}
        conn.execute(utterance.insert().values({"tenant": "acme"} | envelope | times | body | said_text))

    def as_before(conn: Connection) -> None:
        for table in (role_revision, customer_binding, customer, customer_position, withdrawal, withdrawal_position):
            table.drop(conn)
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    await database.write(put)
    await database.write(as_before)
    assert await database.read(state) is SchemaState.OLDER
    await upgrade(database_url)
    assert await database.read(state) is SchemaState.CURRENT
    found = await database.read(lambda conn: conn.execute(select(utterance.c.id, utterance.c.text)).all())
    assert [tuple(row) for row in found] == [(said, "您好")]


async def test_devices_are_told_of_what_was_withdrawn_before(database: Database, database_url: str) -> None:
    """Upgrading lists each conversation once that was withdrawn on the server, in the order of the withdrawals."""
    device, (first, second, own) = new_id(), (new_id(), new_id(), new_id())

    def put(conn: Connection) -> None:
        for talk, how, day in ((second, "page", 21), (first, "api", 20), (first, "page", 22), (own, "button", 20)):
            moment = datetime(2026, 11, day, tzinfo=UTC)
            envelope = {"record_id": new_id(), "device_id": device, "device_seq": 1, "monotonic_ms": 1}
            times = {"clock_offset_ms": 0, "occurred_at": moment, "recorded_at": moment, "flags": "", "at": moment}
            said = {"conversation_id": talk, "state": "withdrawn", "how": how, "notice_version": "1"}
            conn.execute(consent.insert().values({"tenant": "acme"} | envelope | times | said))
        for talk in (first, second, own):
            began = {
                "started_at": datetime(2026, 11, 19, tzinfo=UTC),
                "recorded_at": datetime(2026, 11, 19, tzinfo=UTC),
            }
            place = {"site": "bank-01", "staff": "S-1", "channel": "counter", "consent": "withdrawn", "flags": ""}
            row = {"tenant": "acme", "id": talk, "device_id": device}
            conn.execute(conversation.insert().values(row | began | place))

    def as_before(conn: Connection) -> None:
        for table in (withdrawal, withdrawal_position):
            table.drop(conn)
        conn.execute(text("UPDATE alembic_version SET version_num = '0002'"))

    await database.write(put)
    await database.write(as_before)
    await upgrade(database_url)
    told = partial(read_withdrawals, tenant="acme", device_id=device, after=0, limit=10)
    assert await database.read(told) == WithdrawalDelta(conversations=(first, second), next=2, has_more=False)


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
