"""What a manager says of a conversation on its page: who the customer was, who spoke, that the customer withdrew."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from models.labels import Role
from server.access.accounts import Role as AccountRole
from server.conversations.afterwards import Spot, UnknownUtteranceError, bind_customer, correct_role, withdraw
from server.conversations.repository import UnknownConversationError
from server.plain_name import PlainName
from server.store.database import Database
from server.web.failures import FormRefusedError, NotAllowedError, PageNotFoundError
from server.web.rendering import Page, SignedInPage

router = APIRouter()

Text = Annotated[str, Form(max_length=2000)]

_NAME: Final = TypeAdapter(PlainName)
_WHERE: Final = "page"
_CONFIRMED: Final = "yes"


def may_correct(page: Page) -> bool:
    """Tell whether the person may say what they know of a conversation."""
    return page.visitor is not None and page.visitor.user.role != AccountRole.READER


@router.post("/conversations/{conversation_id}/customer")
async def bind(request: Request, page: SignedInPage, conversation_id: UUID, customer: Text = "") -> Response:
    """Say who the customer was."""
    try:
        name = _NAME.validate_python(customer.strip())
    except ValidationError as error:
        raise FormRefusedError("That is no customer's id.") from error
    return await _say(request, page, conversation_id, lambda conn, at: bind_customer(conn, at, customer=name))


@router.post("/conversations/{conversation_id}/utterances/{utterance_id}/role")
async def correct(
    request: Request, page: SignedInPage, conversation_id: UUID, utterance_id: UUID, role: Text = ""
) -> Response:
    """Say who spoke an utterance."""
    if role not in set(Role):
        raise FormRefusedError("There is no such role.")
    said = Role(role)
    return await _say(
        request, page, conversation_id, lambda conn, at: correct_role(conn, at, utterance_id=utterance_id, role=said)
    )


@router.post("/conversations/{conversation_id}/withdraw")
async def take_back(request: Request, page: SignedInPage, conversation_id: UUID, confirmed: Text = "") -> Response:
    """Record that the customer withdrew consent, and erase what was said; a form that confirms it only."""
    if confirmed != _CONFIRMED:
        raise FormRefusedError("The withdrawal was not confirmed.")
    return await _say(request, page, conversation_id, withdraw)


async def _say(
    request: Request, page: Page, conversation_id: UUID, work: Callable[[Connection, Spot], object]
) -> Response:
    """Store what was said, wake the worker, and lead back to the conversation."""
    if not may_correct(page):
        raise NotAllowedError("The account may only read.")
    quiet_after = timedelta(seconds=request.app.state.settings.quiet_after_s)
    at = Spot(tenant=page.tenant, conversation_id=conversation_id, now=page.now, quiet_after=quiet_after, how=_WHERE)
    database: Database = request.app.state.db
    try:
        await database.write(lambda conn: work(conn, at))
    except (UnknownConversationError, UnknownUtteranceError) as error:
        raise PageNotFoundError(error.message) from error
    request.app.state.ring()
    return RedirectResponse(f"/conversations/{conversation_id}", status_code=303)
