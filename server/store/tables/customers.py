"""The list of customers that devices search."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, PrimaryKeyConstraint, String, Table, UniqueConstraint

from server.store.tables.columns import metadata, tenant_column

customer = Table(
    "customer",
    metadata,
    tenant_column(),
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
    # One row a tenant, as in events.feed_position.
    Column("tenant", String(200), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
