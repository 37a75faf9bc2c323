"""Journey maps, and what was experienced at their touchpoints."""

from sqlalchemy import JSON, Column, Float, Index, Integer, PrimaryKeyConstraint, String, Table, Uuid

from server.store.moment import MomentMs
from server.store.tables.columns import metadata, tenant_column

journey_map = Table(
    "journey_map",
    metadata,
    tenant_column(),
    Column("name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
)

touchpoint_visit = Table(
    "touchpoint_visit",
    metadata,
    tenant_column(),
    Column("conversation_id", Uuid, nullable=False),
    Column("touchpoint", String(200), nullable=False),
    Column("customer", String(200), nullable=True),
    Column("journey_map", String(200), nullable=False),
    Column("journey_map_version", Integer, nullable=False),
    Column("occurred_at", MomentMs, nullable=False),
    Column("score", Float, nullable=True),
    Column("n", Integer, nullable=False),
    Column("coverage", Float, nullable=True),
    Column("event_ids", JSON, nullable=False),
    PrimaryKeyConstraint("tenant", "conversation_id", "touchpoint"),
    Index(None, "tenant", "customer", "occurred_at"),
)
