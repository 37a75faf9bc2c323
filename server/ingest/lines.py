"""From judged records to lines for the tables: rows in the form that both databases take. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Table

from models.conversation import Consent, Conversation, CoverageSpan, Utterance
from models.text import Mask, RedactedText
from server.ingest.judging import Judged
from server.store import schema
from server.store.upsert import Row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """One record on its way into a table."""

    judged: Judged
    table: Table
    conversation_id: UUID | None
    record_hex: str
    row: Row
    """Values in the order of the table's columns; empty for a conversation, whose two records share a row."""


def line_of(judged: Judged, *, tenant: str, device: str, recorded_ms: int) -> Line:
    """Return the line of a record.

    Args:
        judged: what may be stored.
        tenant: of the device.
        device: the device's id as hex.
        recorded_ms: the server's time, milliseconds since 1970.
    """
    record = judged.record
    body = record.body
    record_hex = record.id.hex
    if isinstance(body, Conversation):
        return Line(judged, schema.conversation, body.id, record_hex, ())
    envelope: Row = (
        tenant,
        record_hex,
        device,
        record.device_seq,
        record.monotonic_ms,
        record.clock_offset_ms,
        milliseconds(record.occurred_at),
        recorded_ms,
        ",".join(judged.flags),
    )
    if isinstance(body, Utterance):
        row = (*envelope, *_utterance(body, judged.text or body.text))
        return Line(judged, schema.utterance, body.conversation_id, record_hex, row)
    if isinstance(body, Consent):
        return Line(judged, schema.consent, body.conversation_id, record_hex, (*envelope, *_consent(body)))
    return Line(judged, schema.coverage_span, body.conversation_id, record_hex, (*envelope, *_coverage(body)))


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def _utterance(body: Utterance, text: RedactedText) -> Row:
    return (
        body.id.hex,
        body.conversation_id.hex,
        body.role.value,
        body.role_confidence,
        body.start_ms,
        body.end_ms,
        text.text,
        _masks(text.masks) if text.masks else "[]",
        text.redaction,
        body.recognition.model_dump_json(),
        body.quarantined,
    )


def _consent(body: Consent) -> Row:
    return (body.conversation_id.hex, body.state.value, body.how, body.notice_version, milliseconds(body.at))


def _coverage(body: CoverageSpan) -> Row:
    conversation = None if body.conversation_id is None else body.conversation_id.hex
    place = (body.site, body.staff, body.channel)
    return (conversation, *place, body.state.value, body.reason, body.start_ms, body.end_ms)


def _masks(masks: tuple[Mask, ...]) -> str:
    return json.dumps([{"kind": mask.kind.value, "start": mask.start, "end": mask.end} for mask in masks])
