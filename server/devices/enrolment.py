"""Enrolment: a one-time code becomes a device's identity, bound to the key that the device made."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from models.ids import new_id
from models.wire import Enrolment, EnrolmentRequest
from server.access.secrets import digest, new_enrolment_code
from server.devices import repository
from server.problems import Problem

CODE_LIFE: Final = timedelta(hours=24)

_REFUSED: Final = "The device cannot be enrolled"
_NEW_CODE: Final = "Get a new code with `voicetrail-server enrolment-code`."


def create_code(conn: Connection, *, tenant: str, now: datetime) -> tuple[str, datetime]:
    """Make an enrolment code and store its hash; return the code and when it expires."""
    code = new_enrolment_code()
    expires_at = now + CODE_LIFE
    repository.add_code(conn, tenant=tenant, code_hash=digest(code), now=now, expires_at=expires_at)
    return code, expires_at


def enrol(conn: Connection, request: EnrolmentRequest, *, now: datetime) -> Enrolment:
    """Give a device its identity; the same code and key again give the same one.

    Raises:
        Problem: 403 `code_unknown` or `code_expired`, 409 `code_used` (by another key) or `key_known` (the key
            belongs to another tenant's device), 422 `public_key_invalid` or `text_invalid`.
    """
    public_key = _canonical(request.public_key)
    if "\0" in request.name + request.software:
        # PostgreSQL cannot store it.
        raise Problem(422, "text_invalid", _REFUSED, "The device's name or software holds the character NUL.")
    # People type codes: case and surrounding blanks do not matter.
    code = repository.code_by_hash(conn, digest(request.code.strip().upper()))
    if code is None:
        raise Problem(403, "code_unknown", _REFUSED, "The enrolment code is not known.", _NEW_CODE)
    known = repository.device_by_public_key(conn, public_key)
    if code.device_id is not None:
        if known is None or known.id != code.device_id:
            raise Problem(409, "code_used", _REFUSED, "The enrolment code was used by another device.", _NEW_CODE)
        return Enrolment(device_id=known.id, tenant=known.tenant, server_time=now)
    if code.expires_at <= now:
        raise Problem(403, "code_expired", _REFUSED, "The enrolment code has expired.", _NEW_CODE)
    if known is not None and known.tenant != code.tenant:
        advice = "Enrol with an empty data folder: the device makes a new key."
        raise Problem(409, "key_known", _REFUSED, "The device's key is enrolled elsewhere.", advice)
    device_id = known.id if known is not None else _add(conn, request, public_key, tenant=code.tenant, now=now)
    repository.use_code(conn, code, device_id=device_id, now=now)
    return Enrolment(device_id=device_id, tenant=code.tenant, server_time=now)


def _add(conn: Connection, request: EnrolmentRequest, public_key: str, *, tenant: str, now: datetime) -> UUID:
    device_id = new_id()
    repository.add_device(
        conn,
        tenant=tenant,
        device_id=device_id,
        name=request.name,
        public_key=public_key,
        software=request.software[:200],
        now=now,
    )
    return device_id


def _canonical(public_key: str) -> str:
    """Return a public key in the one base64 form that is stored."""
    try:
        raw = b64decode(public_key, validate=True)
    except (Base64Error, ValueError):
        raw = b""
    # 32 bytes: RFC 8032, 5.1.5.
    if len(raw) != 32:
        detail = "public_key is not an Ed25519 public key: 32 raw bytes in base64."
        raise Problem(422, "public_key_invalid", _REFUSED, detail)
    return b64encode(raw).decode("ascii")
