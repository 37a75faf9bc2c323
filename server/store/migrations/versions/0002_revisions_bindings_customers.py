"""Roles said anew, customers bound later, and the customer list of devices.

Revision 0002, after 0001.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "role_revision",
        *_envelope(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("utterance_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("role_confidence", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record_id", name="pk_role_revision"),
    )
    op.create_index("ix_role_revision_tenant_conversation_id", "role_revision", ["tenant", "conversation_id"])
    op.create_table(
        "customer_binding",
        *_envelope(),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.String(length=200), nullable=False),
        sa.Column("how", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "record_id", name="pk_customer_binding"),
    )
    op.create_index("ix_customer_binding_tenant_conversation_id", "customer_binding", ["tenant", "conversation_id"])
    op.create_table(
        "customer",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone_tail", sa.String(length=4), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "ref", name="pk_customer"),
        sa.UniqueConstraint("tenant", "sequence", name="uq_customer_tenant_sequence"),
    )
    op.create_table(
        "customer_position",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_customer_position"),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("customer_position", "customer", "customer_binding", "role_revision"):
        op.drop_table(table)


def _envelope() -> list[sa.Column[Any]]:
    return [
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("device_seq", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.String(length=200), nullable=False),
    ]
