"""Devices and the codes that enrol them."""

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, UniqueConstraint, Uuid

from server.store.moment import MomentMs
from server.store.tables.columns import metadata, tenant_column

enrolment_code = Table(
    "enrolment_code",
    metadata,
    tenant_column(),
    Column("code_hash", String(64), nullable=False),
    Column("created_at", MomentMs, nullable=False),
    Column("expires_at", MomentMs, nullable=False),
    Column("used_at", MomentMs, nullable=True),
    Column("device_id", Uuid, nullable=True),
    PrimaryKeyConstraint("tenant", "code_hash"),
    UniqueConstraint("code_hash"),
)

device = Table(
    "device",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("public_key", String(64), nullable=False),
    Column("software", String(200), nullable=False, default=""),
    Column("created_at", MomentMs, nullable=False),
    Column("last_seen_at", MomentMs, nullable=True),
    Column("revoked_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("id"),
    UniqueConstraint("public_key"),
)
