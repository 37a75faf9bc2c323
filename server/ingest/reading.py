"""From the bytes of a body to a batch: whole when it is sound, else record by record.

One bad record never refuses its batch. Only what is no batch at all (no JSON, no envelope, too large, nested like a
bomb) is refused as a whole.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import Field, ValidationError

from models.noun import Name, Noun
from models.wire import (
    MAX_BATCH_BYTES,
    MAX_BATCH_RECORDS,
    WIRE_VERSION,
    IngestBatch,
    Record,
    RecordVerdict,
    Verdict,
)
from server.problems import Problem

_TITLE: Final = "The batch cannot be read"
_MAX_INT_CHARS: Final = 400
"""Longer numbers make `int()` slow or refuse (4,300 digits); none of ours has more than 19."""


@dataclass(frozen=True)
class ReadBatch:
    """A batch of which every record was either read or refused."""

    id: UUID
    tenant: str
    device_id: UUID
    items: tuple[Record | RecordVerdict, ...]
    """In the order of the batch."""


class _Envelope(Noun):
    """IngestBatch with its records left alone."""

    version: int = WIRE_VERSION
    id: UUID
    tenant: Name
    device_id: UUID
    records: int = Field(le=MAX_BATCH_RECORDS)


def decompress(body: bytes, *, encoding: str) -> bytes:
    """Undo a body's Content-Encoding.

    Args:
        body: as it was sent.
        encoding: gzip, or identity or nothing.

    Raises:
        Problem: 413 `batch_too_large`, 415 `encoding_unknown`, 400 `batch_unreadable` for what is no gzip.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip":
            return _gunzip(body)
    raise Problem(415, "encoding_unknown", _TITLE, "Content-Encoding must be gzip or identity.")


def read_batch(body: bytes) -> ReadBatch:
    """Read a batch.

    Raises:
        Problem: 400 `batch_unreadable` or `version_unknown`, 413 `batch_too_large` (too many records).
    """
    # In JSON, NUL can only be written as this escape; PostgreSQL cannot store it.
    if rb"\u0000" not in body:
        try:
            batch = IngestBatch.model_validate_json(body)
        # OverflowError: a moment at the edge of the calendar leaves it on the way to UTC.
        except (ValidationError, OverflowError):
            return _read_each(body)
        _check_version(batch.version)
        return ReadBatch(batch.id, batch.tenant, batch.device_id, batch.records)
    return _read_each(body)


def _gunzip(body: bytes) -> bytes:
    # 16 + 15: a gzip header, the largest window.
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, MAX_BATCH_BYTES + 1)
    except zlib.error:
        raise _unreadable("The body is not gzip.") from None
    if len(plain) > MAX_BATCH_BYTES:
        raise _too_large(f"The batch has more than {MAX_BATCH_BYTES} bytes when it is unpacked.")
    if not inflater.eof or inflater.unused_data:
        raise _unreadable("The gzip body is cut off, or something follows it.")
    return plain


def _read_each(body: bytes) -> ReadBatch:
    """Read a batch in which something is wrong, record by record."""
    try:
        # Each byte that is no UTF-8 becomes a lone surrogate, by which its record is recognised below.
        document = json.loads(body.decode("utf-8", "surrogateescape"), parse_int=_int)
    except (ValueError, RecursionError):
        raise _unreadable("The body is not JSON, or nested too deep.") from None
    if not isinstance(document, dict) or not isinstance(document.get("records"), list):
        raise _unreadable("The body is not an object with a list of records.")
    records = document["records"]
    if len(records) > MAX_BATCH_RECORDS:
        raise _too_large(f"The batch has more than {MAX_BATCH_RECORDS} records.")
    try:
        envelope = _Envelope.model_validate_json(_encode(document | {"records": len(records)}))
    except ValidationError as error:
        raise _unreadable(f"The envelope is wrong at {_where(error)}.") from None
    except UnicodeEncodeError:
        raise _unreadable("The envelope holds text that is not Unicode.") from None
    _check_version(envelope.version)
    return ReadBatch(envelope.id, envelope.tenant, envelope.device_id, tuple(_read_record(each) for each in records))


def _read_record(document: object) -> Record | RecordVerdict:
    record_id = _id_of(document)
    try:
        encoded = _encode(document)
        if rb"\u0000" in encoded:
            return refuse(record_id, "text_invalid", "It holds the character NUL.")
        return Record.model_validate_json(encoded)
    except UnicodeEncodeError:
        return refuse(record_id, "text_invalid", "It holds bytes that are not UTF-8, or half a surrogate pair.")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        code = "text_too_long" if first["type"] == "string_too_long" and first["loc"][-1] == "text" else "schema"
        return refuse(record_id, code, f"{_where(error)}: {first['msg']}")
    except (RecursionError, OverflowError):
        return refuse(record_id, "schema", "It is nested too deep, or a moment lies outside the calendar.")


def refuse(record_id: UUID | None, code: str, detail: str) -> RecordVerdict:
    """Refuse one record for good."""
    return RecordVerdict(id=record_id, verdict=Verdict.REJECTED, code=code, permanent=True, detail=detail[:300])


def _encode(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8")


def _int(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MAX_INT_CHARS else None


def _id_of(document: object) -> UUID | None:
    try:
        return UUID(document["id"]) if isinstance(document, dict) and isinstance(document.get("id"), str) else None
    except ValueError:
        return None


def _where(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "the top"


def _check_version(version: int) -> None:
    if version > WIRE_VERSION:
        detail = f"The batch is of version {version}; this server reads up to {WIRE_VERSION}."
        raise Problem(400, "version_unknown", _TITLE, detail, "Upgrade the server.")


def _unreadable(detail: str) -> Problem:
    return Problem(400, "batch_unreadable", _TITLE, detail, "Send JSON as the OpenAPI document describes it.")


def _too_large(detail: str) -> Problem:
    return Problem(413, "batch_too_large", _TITLE, detail, "Send fewer records in one batch.")
