"""All SQL of devices and their enrolment codes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from server.store.prepared import Prepared
from server.store.tables.devices import device, enrolment_code


@dataclass(frozen=True)
class StoredCode:
    """An enrolment code as it is stored."""

    tenant: str
    code_hash: str
    expires_at: datetime
    device_id: UUID | None


@dataclass(frozen=True)
class StoredDevice:
    """A device as it is stored."""

    tenant: str
    id: UUID
    public_key: str
    revoked_at: datetime | None


def add_code(conn: Connection, *, tenant: str, code_hash: str, now: datetime, expires_at: datetime) -> None:
    """Store the hash of an enrolment code."""
    values = {"tenant": tenant, "code_hash": code_hash, "created_at": now, "expires_at": expires_at}
    conn.execute(enrolment_code.insert().values(values))


def code_by_hash(conn: Connection, code_hash: str) -> StoredCode | None:
    """Return a code; locked until the end of the transaction where the database locks rows."""
    row = conn.execute(
        select(enrolment_code).where(enrolment_code.c.code_hash == code_hash).with_for_update()
    ).one_or_none()
    return None if row is None else StoredCode(row.tenant, row.code_hash, row.expires_at, row.device_id)


def use_code(conn: Connection, code: StoredCode, *, device_id: UUID, now: datetime) -> None:
    """Mark a code as used by a device."""
    mine = (enrolment_code.c.tenant == code.tenant) & (enrolment_code.c.code_hash == code.code_hash)
    conn.execute(update(enrolment_code).where(mine).values(used_at=now, device_id=device_id))


def add_device(
    conn: Connection, *, tenant: str, device_id: UUID, name: str, public_key: str, software: str, now: datetime
) -> None:
    """Store a device."""
    values = {"tenant": tenant, "id": device_id, "name": name, "public_key": public_key, "software": software}
    conn.execute(device.insert().values(values | {"created_at": now}))


def device_by_id(conn: Connection, device_id: UUID) -> StoredDevice | None:
    """Return a device of any tenant; its signature will prove which it is."""
    return _stored(conn, device.c.id == device_id)


def device_by_public_key(conn: Connection, public_key: str) -> StoredDevice | None:
    """Return the device of a public key, of any tenant."""
    return _stored(conn, device.c.public_key == public_key)


def revoke_device(conn: Connection, *, tenant: str, device_id: UUID, now: datetime) -> bool:
    """Refuse a device from now on; return False when the tenant has no such device."""
    mine = (device.c.tenant == tenant) & (device.c.id == device_id)
    return conn.execute(update(device).where(mine).values(revoked_at=now)).rowcount == 1


def hold_device(conn: Connection, *, tenant: str, device_id: str) -> None:
    """Take the requests of one device one after another: wait until another one of it is stored.

    On SQLite a transaction that writes is alone anyway.

    Args:
        conn: the transaction.
        tenant: of the device.
        device_id: as hex.
    """
    if conn.dialect.name == "postgresql":
        _hold.run(conn, {"tenant": tenant, "device_id": device_id})


_hold = Prepared(
    lambda _dialect: (
        select(device.c.id)
        .where(device.c.tenant == bindparam("tenant"), device.c.id == bindparam("device_id"))
        .with_for_update(key_share=True)
    )
)


def touch_device(conn: Connection, *, tenant: str, device_id: UUID, now: datetime) -> None:
    """Note when a device was last heard of."""
    mine = (device.c.tenant == tenant) & (device.c.id == device_id)
    conn.execute(update(device).where(mine).values(last_seen_at=now))


def _stored(conn: Connection, condition: ColumnElement[bool]) -> StoredDevice | None:
    row = conn.execute(select(device).where(condition)).one_or_none()
    return None if row is None else StoredDevice(row.tenant, row.id, row.public_key, row.revoked_at)
