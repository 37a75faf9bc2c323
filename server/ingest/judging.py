"""What is thought of a record before the database is asked. Pure: time is an argument."""

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final, NamedTuple
from uuid import UUID

from models.conversation import Consent, Conversation, Utterance
from models.labels import ConsentState
from models.text import RedactedText
from models.wire import NO_CONSENT, Record, RecordVerdict
from nlp.redaction import recheck
from server.ingest.reading import refuse

MAX_AHEAD: Final = timedelta(minutes=10)
"""A device's clock may run ahead this far before its records are flagged."""
CLOCK_SET_AFTER: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""A device without a battery-backed clock starts at 1970 or at its firmware's date."""
MAX_INT: Final = 2**63 - 1
"""Largest integer of either database."""
MAX_REDACTION_CHARS: Final = 100
"""Room for the name and version of redaction rules in table utterance."""


class Judged(NamedTuple):
    """A record that may be stored (a tuple: a frozen dataclass takes three times as long to make)."""

    record: Record
    flags: tuple[str, ...]
    text: RedactedText | None
    """An utterance's text after the second redaction."""


def judge(record: Record, *, tenant: str, device_id: UUID, now: datetime) -> Judged | RecordVerdict:
    """Judge one record of a device.

    Args:
        record: as it was read.
        tenant: of the device.
        device_id: whose signature the batch bears.
        now: the server's time.

    Returns:
        The record with its flags, or its rejection.
    """
    fault = _fault(record, tenant, device_id)
    if fault is not None:
        code, detail = fault
        return refuse(record.id, code, detail)
    flags = _clock_flags(record.occurred_at, now)
    if not isinstance(record.body, Utterance):
        return Judged(record, flags, None)
    text = recheck(record.body.text)
    return Judged(record, flags if text is record.body.text else (*flags, "redacted_by_server"), text)


def _fault(record: Record, tenant: str, device_id: UUID) -> tuple[str, str] | None:
    """Return code and detail of what is wrong with a record."""
    body = record.body
    if record.device_seq > MAX_INT or record.monotonic_ms > MAX_INT or abs(record.clock_offset_ms) > MAX_INT:
        return "schema", "device_seq, monotonic_ms or clock_offset_ms is beyond 64 bits"
    if isinstance(body, Utterance):
        return _utterance_fault(body)
    if isinstance(body, Conversation):
        return _conversation_fault(body, tenant, device_id)
    if isinstance(body, Consent) and body.state is ConsentState.DECLINED:
        return NO_CONSENT, "a declined conversation leaves a withheld span only"
    return None


def _utterance_fault(body: Utterance) -> tuple[str, str] | None:
    text, heard = body.text, body.recognition
    if not (isfinite(heard.avg_logprob) and isfinite(heard.compression_ratio)):
        return "schema", "body.recognition: not a finite number"
    if len(text.redaction) > MAX_REDACTION_CHARS:
        return "schema", "body.text.redaction is too long"
    for mask in text.masks:
        if not mask.start <= mask.end <= len(text.text):
            return "schema", "body.text.masks: a mask lies outside the text"
    return None


def _conversation_fault(body: Conversation, tenant: str, device_id: UUID) -> tuple[str, str] | None:
    if body.tenant != tenant:
        return "tenant_mismatch", "body.tenant is not the device's tenant"
    if body.device_id != device_id:
        return "conversation_foreign", "body.device_id is another device"
    if body.consent is not ConsentState.GRANTED:
        return NO_CONSENT, "a conversation without consent is not kept"
    return None


def _clock_flags(occurred_at: datetime, now: datetime) -> tuple[str, ...]:
    if occurred_at > now + MAX_AHEAD:
        return ("occurred_in_future",)
    if occurred_at < CLOCK_SET_AFTER:
        return ("clock_not_set",)
    return ()
