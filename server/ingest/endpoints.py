"""`POST /v1/ingest`: a signed batch in, a receipt with a verdict per record out, after the commit."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from models.wire import MAX_BATCH_BYTES, IngestBatch, IngestReceipt, Record, RecordVerdict
from server.devices.signatures import DeviceKeys, KnownDevice, read_claim, verify
from server.ingest import repository
from server.ingest.judging import Judged, judge
from server.ingest.lines import line_of, milliseconds
from server.ingest.reading import ReadBatch, decompress, read_batch, refuse, too_large
from server.ingest.receipts import receipt
from server.problems import Problem
from server.settings import ServerSettings
from server.store.database import Database

router = APIRouter(prefix="/v1", tags=["ingest"])

_INLINE_BYTES: Final = 256 * 1024
"""Above this, reading takes milliseconds and moves to a thread; a usual batch has 5 to 70 KB."""


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
    encoding = request.headers.get("content-encoding", "")
    if len(body) > _INLINE_BYTES:
        batch = await asyncio.to_thread(lambda: read_batch(decompress(body, encoding=encoding)))
    else:
        batch = read_batch(decompress(body, encoding=encoding))
    judged = [_judge(item, batch, device, now) for item in batch.items]
    outcomes = await _store(state.db, judged, device, settings=state.settings, now=now)
    return Response(receipt(batch.id, now, judged, outcomes), media_type="application/json")


async def _store(
    db: Database,
    judged: Sequence[Judged | RecordVerdict],
    device: KnownDevice,
    *,
    settings: ServerSettings,
    now: datetime,
) -> list[str]:
    """Store the records that may be stored; return the outcome of each of these, in order."""
    recorded_ms, hex_id = milliseconds(now), device.id.hex
    lines = [
        line_of(item, tenant=device.tenant, device=hex_id, recorded_ms=recorded_ms)
        for item in judged
        if isinstance(item, Judged)
    ]
    if not lines:
        return []
    quiet_after = timedelta(seconds=settings.quiet_after_s)
    return await db.write(
        lambda conn: repository.store(
            conn, lines, tenant=device.tenant, device=hex_id, now=now, quiet_after=quiet_after
        )
    )


def _judge(
    item: Record | RecordVerdict, batch: ReadBatch, device: KnownDevice, now: datetime
) -> Judged | RecordVerdict:
    if isinstance(item, RecordVerdict):
        return item
    if batch.tenant != device.tenant:
        return refuse(item.id, "tenant_mismatch", "the batch names a tenant that is not the device's")
    if batch.device_id != device.id:
        return refuse(item.id, "conversation_foreign", "the batch names a device that did not sign it")
    return judge(item, tenant=device.tenant, device_id=device.id, now=now)


async def _body(request: Request) -> bytes:
    """Read the body as it was sent, up to MAX_BATCH_BYTES.

    Raises:
        Problem: 413 `batch_too_large`; 400 `body_incomplete` when the device went away while sending.
    """
    parts = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BATCH_BYTES:
                raise too_large()
            parts.append(part)
    except ClientDisconnect:
        raise Problem(400, "body_incomplete", "The batch cannot be read", "The connection ended before it.") from None
    return b"".join(parts)
