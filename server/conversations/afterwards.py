"""What is said of a conversation here and not on its device: its customer, who spoke, that the customer withdrew.

Each is kept as a record like those of devices, so that one rule decides what stands (see `standing`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from models.errors import RejectedError
from models.ids import new_id
from models.labels import ConsentState, RevisedBy, Role
from models.noun import Name
from server.analysis.bell import ring
from server.conversations.erasure import erase, withdrawn_at
from server.conversations.repository import unknown_conversation
from server.conversations.standing import bring_up_to_date, hold, read_revisions
from server.conversations.withdrawals import tell_device
from server.store.tables.conversations import consent, customer_binding, role_revision, utterance


class UnknownUtteranceError(RejectedError):
    """The conversation has no utterance of that id."""

    code = "utterance_unknown"


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Which conversation, when, and how long it stays quiet before it is analysed while it goes on."""

    tenant: str
    conversation_id: UUID
    now: datetime
    quiet_after: timedelta
    how: str = "api"
    """Where it was said: api, page."""


def bind_customer(conn: Connection, at: Spot, *, customer: Name) -> None:
    """Say who the customer was; saying again what was said last changes nothing.

    Raises:
        UnknownConversationError: the tenant has none of that id.
    """
    envelope = _envelope(conn, at)
    column = customer_binding.c
    latest = (
        select(column.customer)
        .where(column.tenant == at.tenant, column.conversation_id == at.conversation_id)
        .order_by(column.at.desc(), column.record_id.desc())
        .limit(1)
    )
    if conn.execute(latest).scalar() == customer:
        return
    conn.execute(customer_binding.insert().values(envelope | {"customer": customer, "how": at.how, "at": at.now}))
    bring_up_to_date(conn, tenant=at.tenant, conversation_id=at.conversation_id.hex)
    _ring(conn, at)


def correct_role(conn: Connection, at: Spot, *, utterance_id: UUID, role: Role) -> None:
    """Say who spoke an utterance, as staff know it; saying it again changes nothing.

    Raises:
        UnknownConversationError: the tenant has none of that id.
        UnknownUtteranceError: the conversation has none of that id, or its words were erased.
    """
    envelope = _envelope(conn, at)
    column = utterance.c
    said = select(column.id).where(
        column.tenant == at.tenant, column.conversation_id == at.conversation_id, column.id == utterance_id
    )
    if conn.execute(said.limit(1)).first() is None:
        raise UnknownUtteranceError(
            f"the conversation has no utterance {utterance_id}", advice="GET the conversation lists them"
        )
    standing = read_revisions(conn, tenant=at.tenant, conversation_id=at.conversation_id).get(utterance_id)
    if standing is not None and (standing.by, standing.role) == (RevisedBy.STAFF, role):
        return
    revision = {"utterance_id": utterance_id, "role": role, "role_confidence": 1.0, "by": RevisedBy.STAFF}
    conn.execute(role_revision.insert().values(envelope | revision | {"at": at.now}))
    _ring(conn, at)


def withdraw(conn: Connection, at: Spot) -> datetime:
    """Take the customer's consent back, erase what was said and have the device told; return when it was done first.

    Raises:
        UnknownConversationError: the tenant has none of that id.
    """
    envelope = _envelope(conn, at)
    before = withdrawn_at(conn, tenant=at.tenant, conversation_id=at.conversation_id)
    if before is not None:
        return before
    answer = {"state": ConsentState.WITHDRAWN, "how": at.how, "notice_version": "1", "at": at.now}
    conn.execute(consent.insert().values(envelope | answer))
    bring_up_to_date(conn, tenant=at.tenant, conversation_id=at.conversation_id.hex)
    erase(conn, tenant=at.tenant, conversation_id=at.conversation_id, now=at.now)
    tell_device(conn, tenant=at.tenant, device_id=envelope["device_id"], conversation_id=at.conversation_id)
    ring(conn, tenant=at.tenant, conversation_id=at.conversation_id.hex, now=at.now, quiet_after=timedelta())
    # As it is stored, so that it is the same at the next time.
    return withdrawn_at(conn, tenant=at.tenant, conversation_id=at.conversation_id) or at.now


def _envelope(conn: Connection, at: Spot) -> dict[str, Any]:
    """Return the columns around what is said; its device is the conversation's.

    Raises:
        UnknownConversationError: the tenant has none of that id.
    """
    device_id = hold(conn, tenant=at.tenant, conversation_id=at.conversation_id.hex)
    if device_id is None:
        raise unknown_conversation(at.conversation_id)
    return {
        "tenant": at.tenant,
        "record_id": new_id(),
        "device_id": device_id,
        "device_seq": 0,
        "monotonic_ms": 0,
        "clock_offset_ms": 0,
        "occurred_at": at.now,
        "recorded_at": at.now,
        "flags": "",
        "conversation_id": at.conversation_id,
    }


def _ring(conn: Connection, at: Spot) -> None:
    conversation_id = at.conversation_id.hex
    ring(conn, tenant=at.tenant, conversation_id=conversation_id, now=at.now, quiet_after=at.quiet_after)
