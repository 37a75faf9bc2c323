"""Whatever way the same records come, the same rows stand in the end."""

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from models.ids import new_id
from server.ingest.preparing import prepare
from server.ingest.repository import ACCEPTED, DUPLICATE, store
from server.store.database import Database
from server.store.tables import conversations
from server.store.tables.analysis import analysis_queue
from support.device_client import Device, consent, coverage, customer_binding, role_revision, utterance
from support.running_server import RunningServer

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
TABLES = (
    conversations.conversation,
    conversations.utterance,
    conversations.consent,
    conversations.coverage_span,
    conversations.role_revision,
    conversations.customer_binding,
)


@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_any_split_repetition_and_order_give_the_same_rows(
    server: RunningServer, data: st.DataObject, seed: int
) -> None:
    """Batches cut anywhere, sent again and in any order: each record is accepted once and the rows are the same."""
    straight, shuffled = (Device(server.url, Ed25519PrivateKey.generate(), new_id(), f"t-{new_id()}") for _ in range(2))
    ids = [new_id() for _ in range(2)]
    records = [_records(device, ids) for device in (straight, shuffled)]
    for one, other in zip(*records, strict=True):
        other["id"] = one["id"]
        if "id" in one["body"]:
            other["body"]["id"] = one["body"]["id"]
    order = [at for at in range(len(records[1])) for _ in range(data.draw(st.integers(1, 3)))]
    random.Random(seed).shuffle(order)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=6)))
    batches = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]

    async def run() -> tuple[list[str], Any, Any]:
        db = Database.open(server.settings.url)
        try:
            await _ingest(db, straight, records[0])
            outcomes = [
                each for batch in batches for each in await _ingest(db, shuffled, [records[1][at] for at in batch])
            ]
            rows = [await db.read(partial(_rows, tenant=device.tenant)) for device in (straight, shuffled)]
            return outcomes, rows[0], rows[1]
        finally:
            await db.close()

    outcomes, expected, found = asyncio.run(run())
    assert found == expected
    assert outcomes.count(ACCEPTED) == len(records[1])
    assert outcomes.count(DUPLICATE) == len(order) - len(records[1])


def _records(device: Device, ids: list[UUID]) -> list[dict[str, Any]]:
    made = []
    for conversation in ids:
        made += [
            device.conversation(conversation, ended=False, customer=None),
            consent(conversation),
            *(utterance(conversation, f"第{at}句话", start_ms=at * 1000) for at in range(6)),
            coverage(conversation),
            coverage(conversation, "silent", start_ms=60_000, end_ms=70_000),
            role_revision(conversation, UUID(int=7), "staff"),
            customer_binding(conversation, "C-7"),
            device.conversation(conversation, ended=True),
        ]
    return made


async def _ingest(db: Database, device: Device, records: list[dict[str, Any]]) -> list[str]:
    """Do what the endpoint does with a batch that was signed and read."""
    body = json.dumps(device.batch(records)).encode()
    lines = prepare(body, tenant=device.tenant, device_id=device.id, now=NOW).lines
    assert len(lines) == len(records)
    quiet_after = timedelta(seconds=60)
    return await db.write(
        partial(store, lines=lines, tenant=device.tenant, device=device.id.hex, now=NOW, quiet_after=quiet_after)
    )


def _rows(conn: Connection, *, tenant: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a tenant but what names the tenant and its device, and how often it rang."""
    found = {}
    for table in TABLES:
        columns = [column for column in table.columns if column.name not in ("tenant", "device_id")]
        rows = conn.execute(select(*columns).where(table.c.tenant == tenant))
        found[table.name] = sorted((tuple(row) for row in rows), key=str)
    queue = analysis_queue.c
    due = conn.execute(select(queue.conversation_id, queue.due_at).where(queue.tenant == tenant))
    found["analysis_queue"] = sorted((tuple(row) for row in due), key=str)
    return found
