"""A conversation as programs read it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from server.access.keys import Principal, require_key
from server.conversations.repository import ConversationView, UnknownConversationError, read_conversation
from server.problems import Problem
from server.store.database import Database

router = APIRouter(prefix="/v1", tags=["conversations"])


@router.get("/conversations/{conversation_id}")
async def get_conversation(
    request: Request, principal: Annotated[Principal, Depends(require_key)], conversation_id: UUID
) -> ConversationView:
    """Read a conversation: utterances with masks and labels, what became of its time, and the events that stand."""
    db: Database = request.app.state.db
    try:
        return await db.read(
            lambda conn: read_conversation(conn, tenant=principal.tenant, conversation_id=conversation_id)
        )
    except UnknownConversationError as error:
        raise Problem(404, error.code, "Not found", error.message, error.advice) from error
