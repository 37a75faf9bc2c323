"""What devices sent of a conversation, what was said of it afterwards, and what was withdrawn.

Rows of what devices sent carry the envelope of their record: its id, which makes sending twice storing once, and
both times (occurred_at on the device, recorded_at here).
"""

from sqlalchemy import JSON, BigInteger, Column, Float, Index, PrimaryKeyConstraint, String, Table, Text, Uuid

from server.store.moment import MomentMs
from server.store.tables.columns import envelope_columns, metadata, tenant_column

conversation = Table(
    "conversation",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("site", String(200), nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("staff", String(200), nullable=False),
    Column("channel", String(200), nullable=False),
    Column("customer", String(200), nullable=True),
    Column("consent", String(20), nullable=False),
    Column("started_at", MomentMs, nullable=False),
    Column("ended_at", MomentMs, nullable=True),
    Column("recorded_at", MomentMs, nullable=False),
    # The records that opened and closed it; either may come first, each counts once.
    Column("opened_by", Uuid, nullable=True),
    Column("closed_by", Uuid, nullable=True),
    Column("flags", String(200), nullable=False, default=""),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "customer", "started_at"),
    Index(None, "tenant", "started_at"),
)

consent = Table(
    "consent",
    metadata,
    tenant_column(),
    *envelope_columns(),
    Column("conversation_id", Uuid, nullable=False),
    Column("state", String(20), nullable=False),
    Column("how", String(200), nullable=False),
    Column("notice_version", String(200), nullable=False),
    Column("at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "record_id"),
    Index(None, "tenant", "conversation_id"),
)

utterance = Table(
    "utterance",
    metadata,
    tenant_column(),
    *envelope_columns(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("role", String(20), nullable=False),
    Column("role_confidence", Float, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("masks", JSON, nullable=False),
    Column("redaction", String(100), nullable=False),
    Column("recognition", JSON, nullable=False),
    Column("quarantined", String(100), nullable=True),
    PrimaryKeyConstraint("tenant", "record_id"),
    Index(None, "tenant", "conversation_id", "start_ms"),
)

role_revision = Table(
    "role_revision",
    metadata,
    tenant_column(),
    *envelope_columns(),
    Column("conversation_id", Uuid, nullable=False),
    Column("utterance_id", Uuid, nullable=False),
    Column("role", String(20), nullable=False),
    Column("role_confidence", Float, nullable=False),
    Column("by", String(20), nullable=False),
    Column("at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "record_id"),
    Index(None, "tenant", "conversation_id"),
)

customer_binding = Table(
    "customer_binding",
    metadata,
    tenant_column(),
    *envelope_columns(),
    Column("conversation_id", Uuid, nullable=False),
    Column("customer", String(200), nullable=False),
    Column("how", String(200), nullable=False),
    Column("at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "record_id"),
    Index(None, "tenant", "conversation_id"),
)

coverage_span = Table(
    "coverage_span",
    metadata,
    tenant_column(),
    *envelope_columns(),
    Column("conversation_id", Uuid, nullable=True),
    Column("site", String(200), nullable=False),
    Column("staff", String(200), nullable=False),
    Column("channel", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "record_id"),
    Index(None, "tenant", "conversation_id"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    # What was withdrawn here and not on the device, which is told of it.
    tenant_column(),
    Column("conversation_id", Uuid, nullable=False),
    Column("device_id", Uuid, nullable=False),
    # Place in the tenant's withdrawals in commit order.
    Column("sequence", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "conversation_id"),
    Index(None, "tenant", "device_id", "sequence"),
)

withdrawal_position = Table(
    "withdrawal_position",
    metadata,
    # One row a tenant, as in events.feed_position.
    Column("tenant", String(200), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
