"""From a body to what may be stored of it: read, judge, write as lines. Pure, and all of ingest's computing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models.wire import RecordVerdict
from server.ingest.judging import Judged, judge
from server.ingest.lines import Line, line_of
from server.ingest.reading import ReadBatch, read_batch, refuse
from server.store.moment import milliseconds


@dataclass(frozen=True)
class Prepared:
    """A batch, ready for the database."""

    batch_id: UUID
    items: list[Line | RecordVerdict]
    """What each record of the batch became, in order."""
    lines: list[Line]
    """The lines among the items."""


def prepare(body: bytes, *, tenant: str, device_id: UUID, now: datetime) -> Prepared:
    """Prepare a batch.

    Args:
        body: JSON, decompressed.
        tenant: of the device.
        device_id: whose signature the batch bears.
        now: the server's time, recorded_at of every row.

    Raises:
        Problem: the body is no batch at all (see `read_batch`).
    """
    batch = read_batch(body)
    fault = _envelope_fault(batch, tenant, device_id)
    if fault is not None:
        code, detail = fault
        refused = [item if isinstance(item, RecordVerdict) else refuse(item.id, code, detail) for item in batch.items]
        return Prepared(batch.id, list(refused), [])
    device, recorded_ms = device_id.hex, milliseconds(now)
    items: list[Line | RecordVerdict] = []
    lines: list[Line] = []
    for item in batch.items:
        judged = item if isinstance(item, RecordVerdict) else judge(item, tenant=tenant, device_id=device_id, now=now)
        if isinstance(judged, Judged):
            line = line_of(judged, tenant=tenant, device=device, recorded_ms=recorded_ms)
            items.append(line)
            lines.append(line)
        else:
            items.append(judged)
    return Prepared(batch.id, items, lines)


def _envelope_fault(batch: ReadBatch, tenant: str, device_id: UUID) -> tuple[str, str] | None:
    if batch.tenant != tenant:
        return "tenant_mismatch", "the batch names a tenant that is not the device's"
    if batch.device_id != device_id:
        return "conversation_foreign", "the batch names a device that did not sign it"
    return None
