"""The feed of experience events."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from server.store.moment import MomentMs
from server.store.tables.columns import metadata, tenant_column

experience_event = Table(
    "experience_event",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("customer", String(200), nullable=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("utterance_ids", JSON, nullable=False),
    Column("quote", Text, nullable=False),
    Column("aspect", String(40), nullable=True),
    Column("sentiment", String(20), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("probability", Float, nullable=False),
    Column("journey_map", String(200), nullable=False),
    Column("journey_map_version", Integer, nullable=False),
    Column("stage", String(200), nullable=False),
    Column("touchpoint", String(200), nullable=False),
    Column("mot", Boolean, nullable=False),
    Column("site", String(200), nullable=False),
    Column("staff", String(200), nullable=False),
    Column("channel", String(200), nullable=False),
    Column("occurred_at", MomentMs, nullable=False),
    Column("recorded_at", MomentMs, nullable=False),
    Column("supersedes", Uuid, nullable=True),
    Column("retracted", Boolean, nullable=False, default=False),
    # Set when a later analysis no longer stands by the event; the feed tells of it, pages leave it out.
    Column("superseded_at", MomentMs, nullable=True),
    Column("model", String(200), nullable=False),
    Column("rules", String(200), nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "sequence"),
    Index(None, "tenant", "customer", "occurred_at"),
    Index(None, "tenant", "conversation_id"),
)

feed_position = Table(
    "feed_position",
    metadata,
    # One row a tenant: updating it inside the writing transaction makes sequences rise in commit order.
    Column("tenant", String(200), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
