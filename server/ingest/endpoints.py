"""`POST /v1/ingest`: a signed batch in, a receipt with a verdict per record out, after the commit."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from models.wire import IngestBatch, IngestReceipt
from server.devices.repository import touch_device
from server.devices.signatures import DeviceKeys, KnownDevice, read_claim, verify
from server.ingest.lines import Line
from server.ingest.preparing import prepare
from server.ingest.reading import decompress
from server.ingest.receipts import receipt
from server.ingest.repository import store
from server.problems import Problem
from server.settings import ServerSettings
from server.store.database import Database
from server.store.tables.conversations import conversation

router = APIRouter(prefix="/v1", tags=["ingest"])

_INLINE_BYTES: Final = 256 * 1024
"""Above this, preparing takes long and moves to a thread; a batch of 100 utterances has 60 KB."""


@router.post(
    "/ingest",
    summary="Take a batch of records from a device",
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "An IngestBatch as JSON, optionally gzip; signed by the headers X-Voicetrail-*.",
            "content": {"application/json": {"schema": IngestBatch.model_json_schema()}},
        }
    },
    response_model=IngestReceipt,
)
async def ingest(request: Request) -> Response:
    """Store what is new of a batch; each record gets its own verdict, in order."""
    state = request.app.state
    now = datetime.now(UTC)
    claim = read_claim(request.headers)
    keys: DeviceKeys = state.device_keys
    device = await keys.find(claim.device_id, now=now)
    body = await _body(request)
    verify(claim, device, body, now=now)
    plain = decompress(body, encoding=request.headers.get("content-encoding", ""))
    work = partial(prepare, plain, tenant=device.tenant, device_id=device.id, now=now)
    prepared = work() if len(plain) <= _INLINE_BYTES else await asyncio.to_thread(work)
    outcomes = await _store(state.db, prepared.lines, device, settings=state.settings, now=now)
    if device.read_at == now:
        # Just read again, which is twice a minute at most: often enough to say when it was last heard of.
        await state.db.write(partial(touch_device, tenant=device.tenant, device_id=device.id, now=now))
    if any(line.table is conversation for line in prepared.lines):
        # It may have ended. What is due only later, the worker finds when it looks at the queue by itself.
        state.ring()
    return Response(receipt(prepared.batch_id, now, prepared.items, outcomes), media_type="application/json")


async def _store(
    db: Database, lines: Sequence[Line], device: KnownDevice, *, settings: ServerSettings, now: datetime
) -> list[str]:
    """Store the records that may be stored; return the outcome of each, in order."""
    if not lines:
        return []
    quiet_after = timedelta(seconds=settings.quiet_after_s)
    return await db.write(
        partial(store, lines=lines, tenant=device.tenant, device=device.id.hex, now=now, quiet_after=quiet_after)
    )


async def _body(request: Request) -> bytes:
    """Read the body as it was sent.

    Raises:
        Problem: 400 `body_incomplete`, the device went away while sending; 413 `body_too_large`.
    """
    try:
        return await request.body()
    except ClientDisconnect:
        raise Problem(400, "body_incomplete", "The batch cannot be read", "The connection ended before it.") from None
