"""Who may come in: tenants, their people, sign-in links and keys of programs."""

from sqlalchemy import Column, PrimaryKeyConstraint, String, Table, Text, UniqueConstraint, Uuid

from server.store.moment import MomentMs
from server.store.tables.columns import metadata, tenant_column

tenant = Table("tenant", metadata, Column("name", String(200), primary_key=True), Column("created_at", MomentMs))

account = Table(
    "account",
    metadata,
    tenant_column(),
    Column("login", String(200), nullable=False),
    Column("password_hash", Text, nullable=True),
    Column("role", String(40), nullable=False),
    Column("created_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "login"),
)

sign_in_link = Table(
    "sign_in_link",
    metadata,
    tenant_column(),
    Column("token_hash", String(64), nullable=False),
    Column("login", String(200), nullable=False),
    Column("expires_at", MomentMs, nullable=False),
    Column("used_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "token_hash"),
    UniqueConstraint("token_hash"),
)

api_key = Table(
    "api_key",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("role", String(40), nullable=False),
    Column("created_at", MomentMs, nullable=False),
    Column("revoked_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("key_hash"),
)
