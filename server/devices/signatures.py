"""Which device sent a request: its Ed25519 signature, checked against the key it enrolled with."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Request

from models.wire import (
    HEADER_DEVICE,
    HEADER_SIGNATURE,
    HEADER_TIMESTAMP,
    SIGNATURE_WINDOW_S,
    request_payload,
    signing_payload,
)
from server.devices import repository
from server.problems import Problem
from server.store.database import Database

REMEMBERED: Final = 10_000
"""Devices whose keys are kept in memory, about 1 KB each."""
REMEMBER_FOR: Final = timedelta(seconds=30)
"""After this long a device is read again: another process may have revoked it."""

_TITLE: Final = "The device is not recognised"


@dataclass(frozen=True)
class KnownDevice:
    """A device that enrolled."""

    tenant: str
    id: UUID
    public_key: Ed25519PublicKey
    revoked: bool
    read_at: datetime


@dataclass(frozen=True)
class Claim:
    """What a batch's headers say about its origin, not yet proven."""

    device_id: UUID
    timestamp: int
    """Seconds since 1970."""
    signature: bytes


class DeviceKeys:
    """Public keys of devices, kept in memory so that a batch costs no query."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[UUID, KnownDevice] = {}

    async def find(self, device_id: UUID, *, now: datetime) -> KnownDevice:
        """Return a device.

        Raises:
            Problem: 401 `device_unknown` or `device_revoked`.
        """
        known = self._known.get(device_id)
        if known is None or now - known.read_at > REMEMBER_FOR:
            known = await self._read(device_id, now)
        if known.revoked:
            raise _refused("device_revoked", "The device was revoked.", "Enrol it again with a new code.")
        return known

    def forget(self, device_id: UUID) -> None:
        """Read a device again when it next sends something."""
        self._known.pop(device_id, None)

    async def _read(self, device_id: UUID, now: datetime) -> KnownDevice:
        self.forget(device_id)
        stored = await self._db.read(lambda conn: repository.device_by_id(conn, device_id))
        if stored is None:
            raise _refused("device_unknown", "No such device is enrolled here.", "Enrol the device at this server.")
        public_key = Ed25519PublicKey.from_public_bytes(b64decode(stored.public_key))
        known = KnownDevice(stored.tenant, stored.id, public_key, stored.revoked_at is not None, now)
        while len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[device_id] = known
        return known


def read_claim(headers: Mapping[str, str]) -> Claim:
    """Read what the headers claim.

    Raises:
        Problem: 401 `signature_missing` or `signature_invalid`.
    """
    device, timestamp, signature = (headers.get(name) for name in (HEADER_DEVICE, HEADER_TIMESTAMP, HEADER_SIGNATURE))
    if device is None or timestamp is None or signature is None:
        missing = "The request is not signed."
        advice = f"Send {HEADER_DEVICE}, {HEADER_TIMESTAMP} and {HEADER_SIGNATURE}."
        raise _refused("signature_missing", missing, advice)
    try:
        return Claim(UUID(device), int(timestamp), b64decode(signature, validate=True))
    except (ValueError, Base64Error):
        raise _refused("signature_invalid", "The signature's headers cannot be read.") from None


def verify(claim: Claim, device: KnownDevice, body: bytes, *, now: datetime) -> None:
    """Check that the device signed these bytes, and just now.

    Args:
        claim: what the headers say.
        device: the device that they name.
        body: the body as it was sent, before decompression.
        now: the server's time.

    Raises:
        Problem: 401 `signature_invalid` or `signature_expired`.
    """
    _verify(claim, device, signing_payload(claim.device_id, claim.timestamp, body), now=now)


async def require_device(request: Request) -> KnownDevice:
    """Return the device that signed a request with its method, path and query, and just now.

    Raises:
        Problem: 401 `signature_missing`, `signature_invalid`, `signature_expired`, `device_unknown` or
            `device_revoked`.
    """
    claim, now = read_claim(request.headers), datetime.now(UTC)
    keys: DeviceKeys = request.app.state.device_keys
    device = await keys.find(claim.device_id, now=now)
    query = request.scope["query_string"].decode("latin-1")
    target = request.scope["path"] + (f"?{query}" if query else "")
    body = await request.body()
    payload = request_payload(claim.device_id, claim.timestamp, method=request.method, target=target, body=body)
    _verify(claim, device, payload, now=now)
    return device


def _verify(claim: Claim, device: KnownDevice, payload: bytes, *, now: datetime) -> None:
    try:
        device.public_key.verify(claim.signature, payload)
    except InvalidSignature:
        advice = "Enrol the device again if its data folder was copied or changed."
        raise _refused("signature_invalid", "The signature was not made by this device's key.", advice) from None
    if abs(now.timestamp() - claim.timestamp) > SIGNATURE_WINDOW_S:
        detail = f"The signature is not from the last {SIGNATURE_WINDOW_S} seconds by the server's clock."
        raise _refused("signature_expired", detail, "Correct the clock by this answer's Date header and sign again.")


def _refused(code: str, detail: str, advice: str = "") -> Problem:
    return Problem(
        401, code, _TITLE, detail, advice, headers={"WWW-Authenticate": 'VoicetrailSignature realm="ingest"'}
    )
