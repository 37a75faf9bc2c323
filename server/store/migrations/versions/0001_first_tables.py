"""The first tables.

Revision 0001, after none.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "account",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "login", name="pk_account"),
    )
    op.create_table(
        "analysis",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("utterance_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("analysed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "utterance_id", "model", name="pk_analysis"),
    )
    op.create_index("ix_analysis_tenant_conversation_id", "analysis", ["tenant", "conversation_id"], unique=False)
    op.create_table(
        "analysis_queue",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("ring", sa.BigInteger(), nullable=False),
        sa.Column("rung_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "conversation_id", name="pk_analysis_queue"),
    )
    op.create_index("ix_analysis_queue_due_at", "analysis_queue", ["due_at"], unique=False)
    op.create_table(
        "api_key",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_api_key"),
        sa.UniqueConstraint("key_hash", name="uq_api_key_key_hash"),
    )
    op.create_table(
        "consent",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("device_seq", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("how", sa.String(length=200), nullable=False),
        sa.Column("notice_version", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record_id", name="pk_consent"),
    )
    op.create_index("ix_consent_tenant_conversation_id", "consent", ["tenant", "conversation_id"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("staff", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=True),
        sa.Column("consent", sa.String(length=20), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_conversation"),
    )
    op.create_index(
        "ix_conversation_tenant_customer_started_at", "conversation", ["tenant", "customer", "started_at"], unique=False
    )
    op.create_index("ix_conversation_tenant_started_at", "conversation", ["tenant", "started_at"], unique=False)
    op.create_table(
        "coverage_span",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("device_seq", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("staff", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record_id", name="pk_coverage_span"),
    )
    op.create_index(
        "ix_coverage_span_tenant_conversation_id", "coverage_span", ["tenant", "conversation_id"], unique=False
    )
    op.create_table(
        "dead_letter",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_dead_letter"),
    )
    op.create_table(
        "device",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("software", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_device"),
        sa.UniqueConstraint("id", name="uq_device_id"),
        sa.UniqueConstraint("public_key", name="uq_device_public_key"),
    )
    op.create_table(
        "enrolment_code",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "code_hash", name="pk_enrolment_code"),
        sa.UniqueConstraint("code_hash", name="uq_enrolment_code_code_hash"),
    )
    op.create_table(
        "experience_event",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("utterance_ids", sa.JSON(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("aspect", sa.String(length=40), nullable=True),
        sa.Column("sentiment", sa.String(length=20), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("journey_map", sa.String(length=200), nullable=False),
        sa.Column("journey_map_version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=200), nullable=False),
        sa.Column("touchpoint", sa.String(length=200), nullable=False),
        sa.Column("mot", sa.Boolean(), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("staff", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=200), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("retracted", sa.Boolean(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("rules", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_experience_event"),
        sa.UniqueConstraint("tenant", "sequence", name="uq_experience_event_tenant_sequence"),
    )
    op.create_index(
        "ix_experience_event_tenant_conversation_id", "experience_event", ["tenant", "conversation_id"], unique=False
    )
    op.create_index(
        "ix_experience_event_tenant_customer_occurred_at",
        "experience_event",
        ["tenant", "customer", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "feed_position",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_feed_position"),
    )
    op.create_table(
        "journey_map",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "version", name="pk_journey_map"),
    )
    op.create_table(
        "sign_in_link",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("login", sa.String(length=200), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "token_hash", name="pk_sign_in_link"),
        sa.UniqueConstraint("token_hash", name="uq_sign_in_link_token_hash"),
    )
    op.create_table(
        "tenant",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_tenant"),
    )
    op.create_table(
        "touchpoint_visit",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("touchpoint", sa.String(length=200), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=True),
        sa.Column("journey_map", sa.String(length=200), nullable=False),
        sa.Column("journey_map_version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("event_ids", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "conversation_id", "touchpoint", name="pk_touchpoint_visit"),
    )
    op.create_index(
        "ix_touchpoint_visit_tenant_customer_occurred_at",
        "touchpoint_visit",
        ["tenant", "customer", "occurred_at"],
        unique=False,
    )
    op.create_table(
        "utterance",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("device_seq", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("role_confidence", sa.Float(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("masks", sa.JSON(), nullable=False),
        sa.Column("redaction", sa.String(length=100), nullable=False),
        sa.Column("recognition", sa.JSON(), nullable=False),
        sa.Column("quarantined", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "record_id", name="pk_utterance"),
    )
    op.create_index(
        "ix_utterance_tenant_conversation_id_start_ms",
        "utterance",
        ["tenant", "conversation_id", "start_ms"],
        unique=False,
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("utterance")
    op.drop_table("touchpoint_visit")
    op.drop_table("tenant")
    op.drop_table("sign_in_link")
    op.drop_table("journey_map")
    op.drop_table("feed_position")
    op.drop_table("experience_event")
    op.drop_table("enrolment_code")
    op.drop_table("device")
    op.drop_table("dead_letter")
    op.drop_table("coverage_span")
    op.drop_table("conversation")
    op.drop_table("consent")
    op.drop_table("api_key")
    op.drop_table("analysis_queue")
    op.drop_table("analysis")
    op.drop_table("account")
