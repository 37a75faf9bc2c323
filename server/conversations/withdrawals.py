"""Withdrawals that were said here: devices ask for them, so that they erase their own copies of the words."""

from uuid import UUID

from sqlalchemy import Connection, select

from models.wire import WithdrawalDelta
from server.store.position import raise_position
from server.store.tables.conversations import withdrawal, withdrawal_position


def tell_device(conn: Connection, *, tenant: str, device_id: UUID, conversation_id: UUID) -> None:
    """Have a device told that a conversation of its own was withdrawn; call it once for each."""
    sequence = raise_position(conn, withdrawal_position, tenant=tenant, by=1)
    said = {"tenant": tenant, "conversation_id": conversation_id, "device_id": device_id, "sequence": sequence}
    conn.execute(withdrawal.insert().values(said))


def read_withdrawals(conn: Connection, *, tenant: str, device_id: UUID, after: int, limit: int) -> WithdrawalDelta:
    """Return which conversations of a device were withdrawn here after a place, in commit order.

    A `next` before `after` says that this database has not come so far: the device begins anew.
    """
    # Read first, as in the list of customers: whatever it counts is committed.
    column = withdrawal_position.c
    position = conn.execute(select(column.last).where(column.tenant == tenant)).scalar() or 0
    query = select(withdrawal.c.conversation_id, withdrawal.c.sequence).where(
        withdrawal.c.tenant == tenant, withdrawal.c.device_id == device_id, withdrawal.c.sequence > after
    )
    rows = conn.execute(query.order_by(withdrawal.c.sequence).limit(limit + 1)).all()
    shown, has_more = rows[:limit], len(rows) > limit
    last = shown[-1].sequence if shown else 0
    return WithdrawalDelta(
        conversations=tuple(row.conversation_id for row in shown),
        next=last if has_more else max(position, last),
        has_more=has_more,
    )
