"""Conversations as programs read them, and what programs say of them afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import Connection

from models.errors import RejectedError
from models.labels import Role
from models.noun import Moment, Noun
from models.wire import WithdrawalDelta
from server.access.keys import Principal, require_contributor, require_key
from server.conversations.afterwards import Spot, UnknownUtteranceError, bind_customer, correct_role, withdraw
from server.conversations.repository import (
    ConversationPage,
    ConversationView,
    UnknownConversationError,
    page_of_conversations,
    read_conversation,
)
from server.conversations.withdrawals import read_withdrawals
from server.devices.signatures import KnownDevice, require_device
from server.plain_name import PlainName
from server.problems import Problem
from server.store.database import Database
from server.store.position import LARGEST

router = APIRouter(prefix="/v1", tags=["conversations"])

T = TypeVar("T")
Reader = Annotated[Principal, Depends(require_key)]
Contributor = Annotated[Principal, Depends(require_contributor)]


class CustomerSaid(Noun):
    """Who the customer was."""

    customer: PlainName


class RoleSaid(Noun):
    """Who spoke."""

    role: Role


class CustomerBound(Noun):
    """The customer that the conversation names now."""

    conversation_id: UUID
    customer: PlainName


class RoleCorrected(Noun):
    """Who spoke the utterance, as it stands now."""

    conversation_id: UUID
    utterance_id: UUID
    role: Role


class ConsentWithdrawn(Noun):
    """When the words of the conversation were erased: at the first withdrawal."""

    conversation_id: UUID
    erased_at: Moment


@router.get("/conversations")
async def get_conversations(
    request: Request,
    principal: Reader,
    *,
    unbound: Annotated[bool | None, Query(description="Only those without a customer, or only those with one")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before; left out to begin")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most conversations in one page")] = 100,
) -> ConversationPage:
    """List conversations in the order in which they began on their devices.

    A device that was away sends its conversations late, in among those of before: begin again to see them. To be told
    of everything once, in the order in which it came, follow the events.
    """
    db: Database = request.app.state.db
    return await db.read(
        lambda conn: page_of_conversations(conn, tenant=principal.tenant, limit=limit, after=after, unbound=unbound)
    )


@router.get("/conversations/{conversation_id}")
async def get_conversation(request: Request, principal: Reader, conversation_id: UUID) -> ConversationView:
    """Read a conversation: utterances with masks and labels, what became of its time, and the events that stand."""
    db: Database = request.app.state.db
    try:
        return await db.read(
            lambda conn: read_conversation(conn, tenant=principal.tenant, conversation_id=conversation_id)
        )
    except UnknownConversationError as error:
        raise _not_found(error) from error


@router.post("/conversations/{conversation_id}/customer")
async def post_customer(
    request: Request, principal: Contributor, conversation_id: UUID, said: CustomerSaid
) -> CustomerBound:
    """Say who the customer was; the latest word stands, and the journey and its events move to that customer."""
    at = spot(request, tenant=principal.tenant, conversation_id=conversation_id)
    await say(request, lambda conn: bind_customer(conn, at, customer=said.customer))
    return CustomerBound(conversation_id=conversation_id, customer=said.customer)


@router.post("/conversations/{conversation_id}/utterances/{utterance_id}/role")
async def post_role(
    request: Request, principal: Contributor, conversation_id: UUID, utterance_id: UUID, said: RoleSaid
) -> RoleCorrected:
    """Say who spoke an utterance, as staff know it; the conversation is analysed again."""
    at = spot(request, tenant=principal.tenant, conversation_id=conversation_id)
    await say(request, lambda conn: correct_role(conn, at, utterance_id=utterance_id, role=said.role))
    return RoleCorrected(conversation_id=conversation_id, utterance_id=utterance_id, role=said.role)


@router.post("/conversations/{conversation_id}/withdraw")
async def post_withdrawal(request: Request, principal: Contributor, conversation_id: UUID) -> ConsentWithdrawn:
    """Take the customer's consent back: words, labels and quotes are erased, for good.

    The feed takes the events back. That the conversation took place stays, with what became of its time. Doing it
    again changes nothing; somebody who agrees again begins a new conversation.
    """
    at = spot(request, tenant=principal.tenant, conversation_id=conversation_id)
    return ConsentWithdrawn(
        conversation_id=conversation_id, erased_at=await say(request, lambda conn: withdraw(conn, at))
    )


@router.get("/device/withdrawals", summary="A device reads which of its conversations were withdrawn here")
async def get_withdrawals(
    request: Request,
    device: Annotated[KnownDevice, Depends(require_device)],
    *,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before; 0 to begin")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="Most conversations in one page")] = 1000,
) -> WithdrawalDelta:
    """Read what was withdrawn on the server after a place, in commit order; what the device itself said is left out.

    Signed by the headers X-Voicetrail-* over method, path and query, as the list of customers is. Devices ask twice a
    minute, also when they have nothing to send, and erase their own copies of the words.
    """
    db: Database = request.app.state.db
    return await db.read(
        lambda conn: read_withdrawals(conn, tenant=device.tenant, device_id=device.id, after=after, limit=limit)
    )


def spot(request: Request, *, tenant: str, conversation_id: UUID) -> Spot:
    """Return which conversation a request speaks of, and when."""
    quiet_after = timedelta(seconds=request.app.state.settings.quiet_after_s)
    return Spot(tenant=tenant, conversation_id=conversation_id, now=datetime.now(UTC), quiet_after=quiet_after)


async def say(request: Request, work: Callable[[Connection], T]) -> T:
    """Store what is said of a conversation and wake the worker.

    Raises:
        Problem: 404, there is no such conversation or utterance.
    """
    db: Database = request.app.state.db
    try:
        result = await db.write(work)
    except (UnknownConversationError, UnknownUtteranceError) as error:
        raise _not_found(error) from error
    request.app.state.ring()
    return result


def _not_found(error: RejectedError) -> Problem:
    return Problem(404, error.code, "Not found", error.message, error.advice)
