"""Conversations: the list, and one with everything that was understood of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from models.journey import JourneyMap
from models.labels import Role
from server.conversations.repository import (
    ConversationView,
    UnknownConversationError,
    list_conversations,
    read_conversation,
)
from server.journeys.repository import journey_maps
from server.store.database import Database
from server.web.failures import PageNotFoundError
from server.web.pages.corrections import may_correct
from server.web.rendering import SignedInPage
from server.web.repository import AnalysisProgress, TextOrigins, analysis_progress, text_origins
from server.web.transcript import pieces

router = APIRouter()

PAGE_ROWS = 50
LAST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, where datetime ends."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PlaceMs = Annotated[int | None, Query(ge=0, le=LAST_MS)]


def from_ms(milliseconds: int) -> datetime:
    """Return the moment of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def to_ms(at: datetime) -> int:
    """Return milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


@router.get("/conversations")
async def show_conversations(
    request: Request, page: SignedInPage, before_ms: PlaceMs = None, before_id: UUID | None = None
) -> HTMLResponse:
    """List conversations, newest first."""
    database: Database = request.app.state.db
    before = None if before_ms is None or before_id is None else (from_ms(before_ms), before_id)
    rows = await database.read(
        lambda conn: list_conversations(conn, tenant=page.tenant, limit=PAGE_ROWS + 1, before=before)
    )
    shown, last = rows[:PAGE_ROWS], rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    following = page.here_with(before_ms=str(to_ms(last.started_at)), before_id=str(last.id)) if last else None
    return page.render("conversations.html", rows=shown, following=following, first=before is None)


@dataclass(frozen=True, kw_only=True)
class ConversationFigures:
    """What the page of a conversation shows, read in one snapshot."""

    conversation: ConversationView
    progress: AnalysisProgress
    origins: TextOrigins
    maps: dict[str, JourneyMap]


def _read(conn: Connection, *, tenant: str, conversation_id: UUID) -> ConversationFigures:
    return ConversationFigures(
        conversation=read_conversation(conn, tenant=tenant, conversation_id=conversation_id),
        progress=analysis_progress(conn, tenant=tenant, conversation_id=conversation_id),
        origins=text_origins(conn, tenant=tenant, conversation_id=conversation_id),
        maps=journey_maps(conn, tenant=tenant),
    )


@router.get("/conversations/{conversation_id}")
async def show_conversation(request: Request, page: SignedInPage, conversation_id: str) -> HTMLResponse:
    """Show a conversation."""
    try:
        wanted = UUID(conversation_id)
    except ValueError as error:
        raise PageNotFoundError("no conversation has such an id") from error
    database: Database = request.app.state.db
    try:
        found = await database.read(lambda conn: _read(conn, tenant=page.tenant, conversation_id=wanted))
    except UnknownConversationError as error:
        raise PageNotFoundError(error.message) from error
    conversation = found.conversation
    by_utterance = {
        utterance.id: [event for event in conversation.events if event.utterance_ids[0] == utterance.id]
        for utterance in conversation.utterances
    }
    return page.render(
        "conversation.html",
        found=found,
        conversation=conversation,
        may_correct=may_correct(page),
        roles=tuple(Role),
        end_ms=max([1, *(span.end_ms for span in conversation.coverage)]),
        events_at=by_utterance,
        pieces_of={
            utterance.id: pieces(utterance.text, masks=utterance.masks, events=by_utterance[utterance.id])
            for utterance in conversation.utterances
        },
        analysis_models=sorted({one.analysis.model for one in conversation.utterances if one.analysis}),
        rule_versions=sorted({event.rules for event in conversation.events}),
    )
