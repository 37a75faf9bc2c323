"""Every table, for SQLite and PostgreSQL alike; the tenant is the first column of every key.

Rows of what devices sent carry the envelope of their record: its id, which makes sending twice storing once, and
both times (occurred_at on the device, recorded_at here).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def milliseconds(moment: datetime) -> int:
    """Return milliseconds since 1970, as MomentMs stores them."""
    return (moment - _EPOCH) // _MILLISECOND


class MomentMs(TypeDecorator[datetime]):
    """A moment as whole milliseconds since 1970 in UTC: the same, exact and sortable on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware datetime into milliseconds."""
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Turn milliseconds into an aware datetime."""
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


def _tenant() -> Column[str]:
    return Column("tenant", String(200), nullable=False)


def _envelope() -> list[Column[Any]]:
    """Return the columns that come from the record around a body."""
    return [
        Column("record_id", Uuid, nullable=False),
        Column("device_id", Uuid, nullable=False),
        Column("device_seq", BigInteger, nullable=False),
        Column("monotonic_ms", BigInteger, nullable=False),
        Column("clock_offset_ms", BigInteger, nullable=False),
        Column("occurred_at", MomentMs, nullable=False),
        Column("recorded_at", MomentMs, nullable=False),
        Column("flags", String(200), nullable=False, default=""),
    ]


tenant = Table("tenant", metadata, Column("name", String(200), primary_key=True), Column("created_at", MomentMs))

account = Table(
    "account",
    metadata,
    _tenant(),
    Column("login", String(200), nullable=False),
    Column("password_hash", Text, nullable=True),
    Column("role", String(40), nullable=False),
    Column("created_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "login"),
)

sign_in_link = Table(
    "sign_in_link",
    metadata,
    _tenant(),
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
    _tenant(),
    Column("id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("key_hash", String(64), nullable=False),
    Column("role", String(40), nullable=False),
    Column("created_at", MomentMs, nullable=False),
    Column("revoked_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("key_hash"),
)

enrolment_code = Table(
    "enrolment_code",
    metadata,
    _tenant(),
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
    _tenant(),
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

conversation = Table(
    "conversation",
    metadata,
    _tenant(),
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
    _tenant(),
    *_envelope(),
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
    _tenant(),
    *_envelope(),
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
    _tenant(),
    *_envelope(),
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
    _tenant(),
    *_envelope(),
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
    _tenant(),
    *_envelope(),
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
    _tenant(),
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
    # One row a tenant, as in feed_position.
    Column("tenant", String(200), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

customer = Table(
    "customer",
    metadata,
    _tenant(),
    Column("ref", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("phone_tail", String(4), nullable=False),
    Column("codes", JSON, nullable=False),
    # Place in the tenant's list in commit order, taken anew with every change.
    Column("sequence", BigInteger, nullable=False),
    # A deleted one keeps its ref only, so that devices hear of it.
    Column("deleted", Boolean, nullable=False, default=False),
    PrimaryKeyConstraint("tenant", "ref"),
    UniqueConstraint("tenant", "sequence"),
)

customer_position = Table(
    "customer_position",
    metadata,
    # One row a tenant, as in feed_position.
    Column("tenant", String(200), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

analysis_queue = Table(
    "analysis_queue",
    metadata,
    _tenant(),
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
    _tenant(),
    Column("utterance_id", Uuid, nullable=False),
    Column("model", String(200), nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("body", JSON, nullable=False),
    Column("analysed_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "utterance_id", "model"),
    Index(None, "tenant", "conversation_id"),
)

experience_event = Table(
    "experience_event",
    metadata,
    _tenant(),
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

journey_map = Table(
    "journey_map",
    metadata,
    _tenant(),
    Column("name", String(200), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("created_at", MomentMs, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
)

touchpoint_visit = Table(
    "touchpoint_visit",
    metadata,
    _tenant(),
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

dead_letter = Table(
    "dead_letter",
    metadata,
    _tenant(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("code", String(100), nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", MomentMs, nullable=False),
    Column("resolved_at", MomentMs, nullable=True),
    PrimaryKeyConstraint("tenant", "id"),
)
