"""Sequences in commit order: one row a tenant holds the last number that was given."""

from typing import Final

from sqlalchemy import Connection, Table

from server.store.upsert import insert

LARGEST: Final = 2**63 - 1
"""No sequence goes beyond the integers of either database."""


def raise_position(conn: Connection, table: Table, *, tenant: str, by: int) -> int:
    """Take the next numbers of a tenant's sequence and return the last of them.

    The row stays locked until the commit, so numbers become visible in their order, however many write.

    Args:
        conn: the transaction that uses the numbers.
        table: has the columns tenant and last.
        tenant: whose sequence.
        by: how many.
    """
    statement = insert(conn, table).values(tenant=tenant, last=by)
    raised = statement.on_conflict_do_update(index_elements=[table.c.tenant], set_={"last": table.c.last + by})
    return int(conn.execute(raised.returning(table.c.last)).scalar_one())
