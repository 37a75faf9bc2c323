"""What tables have in common: the metadata they are declared in, the tenant, and the envelope of a record."""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, String, Uuid

from server.store.moment import MomentMs

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def tenant_column() -> Column[str]:
    """Return the first column of a table that tenants share."""
    return Column("tenant", String(200), nullable=False)


def envelope_columns() -> list[Column[Any]]:
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
