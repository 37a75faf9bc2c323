"""From judged records to lines for the tables: rows in the form that both databases take. Pure."""

from typing import Final, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Table

from models.conversation import (
    Consent,
    Conversation,
    CoverageSpan,
    CustomerBinding,
    Recognition,
    RoleRevision,
    Utterance,
)
from models.labels import Role
from models.text import Mask, RedactedText
from server.ingest.judging import Judged
from server.store.moment import milliseconds
from server.store.tables import conversations
from server.store.upsert import Row


class Line(NamedTuple):
    """One record on its way into a table."""

    judged: Judged
    table: Table
    conversation: str | None
    """The conversation that it touches, as hex."""
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
        return Line(judged, conversations.conversation, body.id.hex, record_hex, ())
    conversation = None if body.conversation_id is None else body.conversation_id.hex
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
        row = (*envelope, *_utterance(body, conversation, judged.text or body.text))
        return Line(judged, conversations.utterance, conversation, record_hex, row)
    if isinstance(body, Consent):
        return Line(judged, conversations.consent, conversation, record_hex, (*envelope, *_consent(body, conversation)))
    if isinstance(body, RoleRevision):
        row = (*envelope, *_role_revision(body, conversation))
        return Line(judged, conversations.role_revision, conversation, record_hex, row)
    if isinstance(body, CustomerBinding):
        row = (*envelope, conversation, body.customer, body.how, milliseconds(body.at))
        return Line(judged, conversations.customer_binding, conversation, record_hex, row)
    return Line(
        judged, conversations.coverage_span, conversation, record_hex, (*envelope, *_coverage(body, conversation))
    )


def _utterance(body: Utterance, conversation: str | None, text: RedactedText) -> Row:
    return (
        body.id.hex,
        conversation,
        _ROLE[body.role],
        body.role_confidence,
        body.start_ms,
        body.end_ms,
        text.text,
        _MASKS.to_json(text.masks).decode() if text.masks else "[]",
        text.redaction,
        _RECOGNITION.to_json(body.recognition).decode(),
        body.quarantined,
    )


def _consent(body: Consent, conversation: str | None) -> Row:
    return (conversation, body.state.value, body.how, body.notice_version, milliseconds(body.at))


def _role_revision(body: RoleRevision, conversation: str | None) -> Row:
    said = (_ROLE[body.role], body.role_confidence, body.by.value)
    return (conversation, body.utterance_id.hex, *said, milliseconds(body.at))


def _coverage(body: CoverageSpan, conversation: str | None) -> Row:
    place = (body.site, body.staff, body.channel)
    return (conversation, *place, body.state.value, body.reason, body.start_ms, body.end_ms)


# Reading `.value` of an enum's member goes through a descriptor and takes five times as long.
_ROLE: Final = {role: role.value for role in Role}
# The writers below pydantic's methods: half the time, and every utterance needs them.
_MASKS: Final = TypeAdapter(tuple[Mask, ...]).serializer
_RECOGNITION: Final = TypeAdapter(Recognition).serializer
