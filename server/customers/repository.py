"""Every query on the list of customers."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from models.errors import RejectedError
from models.wire import CustomerDelta, ListedCustomer
from server.store.position import raise_position
from server.store.tables.customers import customer, customer_position
from server.store.upsert import insert


class UnlistedCustomerError(RejectedError):
    """The tenant's list has no such customer."""

    code = "customer_unknown"


def put_customers(conn: Connection, given: Sequence[ListedCustomer], *, tenant: str) -> int:
    """Add or replace customers by their ref, and return how many changed; of two with one ref the later counts.

    What stands as it was keeps its place, so that a whole list sent every night costs devices nothing.
    """
    wanted = {one.ref: one for one in given}
    if not wanted:
        return 0
    # Before reading: it keeps other writers of the tenant's list away until the commit.
    last = raise_position(conn, customer_position, tenant=tenant, by=len(wanted))
    rows = conn.execute(select(customer).where(customer.c.tenant == tenant, customer.c.ref.in_(list(wanted))))
    known = {row.ref: ListedCustomer.model_validate(dict(row._mapping)) for row in rows}
    changed = [one for one in wanted.values() if known.get(one.ref) != one]
    if not changed:
        return 0
    statement = insert(conn, customer)
    new = statement.excluded
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=[customer.c.tenant, customer.c.ref],
            set_={name: new[name] for name in ("name", "phone_tail", "codes", "sequence", "deleted")},
        ),
        [
            one.model_dump(mode="json") | {"tenant": tenant, "sequence": sequence}
            for sequence, one in enumerate(changed, start=last - len(changed) + 1)
        ],
    )
    return len(changed)


def delete_customer(conn: Connection, *, tenant: str, ref: str) -> None:
    """Take a customer off the list; the ref alone stays, so that devices hear of it.

    Raises:
        UnlistedCustomerError: the list has none of that ref.
    """
    of_ref = (customer.c.tenant == tenant) & (customer.c.ref == ref) & customer.c.deleted.is_(False)
    if conn.execute(select(customer.c.ref).where(of_ref)).first() is None:
        raise UnlistedCustomerError(f"the list has no customer {ref}")
    put_customers(conn, [ListedCustomer(ref=ref, deleted=True)], tenant=tenant)


def read_delta(conn: Connection, *, tenant: str, after: int, limit: int) -> CustomerDelta:
    """Return what changed in the list after a place in it, in commit order, deleted ones included."""
    # The position is read first: whatever it counts is committed, so the query after it cannot miss any of that.
    position = conn.execute(select(customer_position.c.last).where(customer_position.c.tenant == tenant)).scalar() or 0
    query = select(customer).where(customer.c.tenant == tenant, customer.c.sequence > after)
    rows = conn.execute(query.order_by(customer.c.sequence).limit(limit + 1)).all()
    has_more = len(rows) > limit
    shown = rows[:limit]
    last = shown[-1].sequence if shown else after
    return CustomerDelta(
        customers=tuple(ListedCustomer.model_validate(dict(row._mapping)) for row in shown),
        next=last if has_more else max(position, last),
        has_more=has_more,
    )
