"""Withdrawals of which devices are told.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; devices are told also of what was withdrawn on the server before."""
    op.create_table(
        "withdrawal",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "conversation_id", name="pk_withdrawal"),
    )
    op.create_index("ix_withdrawal_tenant_device_id_sequence", "withdrawal", ["tenant", "device_id", "sequence"])
    op.create_table(
        "withdrawal_position",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_withdrawal_position"),
    )
    # Devices say button, qr or spoken.
    op.execute(
        "INSERT INTO withdrawal (tenant, conversation_id, device_id, sequence)"
        " SELECT tenant, conversation_id, device_id,"
        " row_number() OVER (PARTITION BY tenant ORDER BY recorded_at, conversation_id)"
        " FROM (SELECT c.tenant, c.id AS conversation_id, c.device_id, min(w.recorded_at) AS recorded_at"
        " FROM consent w JOIN conversation c ON c.tenant = w.tenant AND c.id = w.conversation_id"
        " WHERE w.state = 'withdrawn' AND w.how IN ('api', 'page')"
        " GROUP BY c.tenant, c.id, c.device_id) AS first_of_each"
    )
    op.execute(
        "INSERT INTO withdrawal_position (tenant, last) SELECT tenant, max(sequence) FROM withdrawal GROUP BY tenant"
    )


def downgrade() -> None:
    """Take back."""
    for table in ("withdrawal_position", "withdrawal"):
        op.drop_table(table)
