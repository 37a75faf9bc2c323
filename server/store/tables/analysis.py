"""What waits to be understood, what was understood of each utterance, and what could not be."""

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text, Uuid

from server.store.moment import MomentMs
from server.store.tables.columns import metadata, tenant_column

analysis_queue = Table(
    "analysis_queue",
    metadata,
    tenant_column(),
    Column("conversation_id", Uuid, nullable=False),
    # Rises with every ingest that touches the conversation; work done for an older ring is done again.
    Column("ring", BigInteger, nullable=False),
    Column("rung_at", MomentMs, nullable=False),
    Column("due_at", MomentMs, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", Text, nullable=False, default=""),
    PrimaryKeyConstraint("tenant", "conversation_id"),
    Index(None, "due_at"),
)

analysis = Table(
    "analysis",
    metadata,
    tenant_column(),
    Column("utterance_id", Uuid, nullable=False),
    Column("model", String(200), nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("body", JSON, nullable=False),
    Column("analysed_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "utterance_id", "model"),
    Index(None, "tenant", "conversation_id"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    tenant_column(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("code", String(100), nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", MomentMs, nullable=False),
    Column("resolved_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
)
