"""What stands of a conversation after what was said of it later: its customer, its consent, who spoke.

The latest binding stands above the customer that the conversation began with; a withdrawal above every other answer,
for good. Rules hold whatever order the records arrive in.

Whoever writes locks in one order, so that nobody waits in a circle (docs/adr/0011): the device whose batch it is, the
conversations by their ids and each as strongly as it will be needed, new rows by their keys, the place in the feed, the
place in the withdrawals. A row of the analysis queue comes at any place after its conversation: who waits for one waits
for somebody who waits for nothing.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Connection, bindparam, case, exists, func, select

from models.labels import ConsentState, RevisedBy, Role
from models.noun import Moment, Noun
from server.store.prepared import Prepared
from server.store.tables.conversations import consent, conversation, customer_binding, role_revision
from server.store.upsert import as_hex


class Revision(Noun):
    """Who spoke an utterance, as it was said anew."""

    record_id: UUID
    utterance_id: UUID
    role: Role
    role_confidence: float
    by: RevisedBy
    at: Moment


def standing_revisions(revisions: Iterable[Revision]) -> Mapping[UUID, Revision]:
    """Return the revision that stands for each utterance, by its id.

    What staff said last stands above what devices said; among equals the latest `at`, then the later record id.
    """
    stands: dict[UUID, Revision] = {}
    for one in revisions:
        other = stands.get(one.utterance_id)
        if other is None or _rank(one) > _rank(other):
            stands[one.utterance_id] = one
    return stands


def _rank(revision: Revision) -> tuple[bool, Moment, UUID]:
    return revision.by is RevisedBy.STAFF, revision.at, revision.record_id


def read_revisions(conn: Connection, *, tenant: str, conversation_id: UUID) -> Mapping[UUID, Revision]:
    """Return the revisions that stand in a conversation, by utterance."""
    of_conversation = (role_revision.c.tenant == tenant) & (role_revision.c.conversation_id == conversation_id)
    rows = conn.execute(select(role_revision).where(of_conversation))
    return standing_revisions(Revision.model_validate(dict(row._mapping)) for row in rows)


def hold(conn: Connection, *, tenant: str, conversation_id: str) -> UUID | None:
    """Let nobody else add to a conversation or change what stands of it until the end of the transaction.

    On PostgreSQL it waits for those who do; on SQLite a transaction that writes is alone anyway.

    Args:
        conn: the transaction.
        tenant: whose it is.
        conversation_id: as hex.

    Returns:
        The device that it is of; None when there is no such conversation (yet).
    """
    row = _hold.run(conn, {"tenant": tenant, "conversation_id": conversation_id}).first()
    return None if row is None else UUID(as_hex(row.device_id))


def bring_up_to_date(conn: Connection, *, tenant: str, conversation_id: str) -> None:
    """Write customer and consent as they stand into the conversation, if it is there.

    Hold it by a statement before, so that this one sees what others committed meanwhile.
    """
    _bring.run(conn, {"tenant": tenant, "conversation_id": conversation_id})


_of_conversation = (conversation.c.tenant == bindparam("tenant")) & (conversation.c.id == bindparam("conversation_id"))
_hold = Prepared(
    lambda _dialect: select(conversation.c.device_id).where(_of_conversation).with_for_update(key_share=True)
)
_bound = (
    select(customer_binding.c.customer)
    .where(
        customer_binding.c.tenant == bindparam("tenant"),
        customer_binding.c.conversation_id == bindparam("conversation_id"),
    )
    .order_by(customer_binding.c.at.desc(), customer_binding.c.record_id.desc())
    .limit(1)
    .scalar_subquery()
)
_withdrawn = exists().where(
    consent.c.tenant == bindparam("tenant"),
    consent.c.conversation_id == bindparam("conversation_id"),
    consent.c.state == ConsentState.WITHDRAWN.value,
)
_bring = Prepared(
    lambda _dialect: (
        conversation.update()
        .where(_of_conversation)
        .values(
            customer=func.coalesce(_bound, conversation.c.customer),
            consent=case((_withdrawn, ConsentState.WITHDRAWN.value), else_=conversation.c.consent),
        )
    )
)
