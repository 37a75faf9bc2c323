"""What a withdrawal takes away: every word of the conversation and all that was read from the words."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from models.labels import ConsentState
from server.events.changes import changes
from server.events.repository import apply_changes, forget_quotes, stored_events
from server.store.tables.analysis import analysis
from server.store.tables.conversations import consent, utterance
from server.store.tables.journeys import touchpoint_visit


def withdrawn_at(conn: Connection, *, tenant: str, conversation_id: UUID) -> datetime | None:
    """Return when the first withdrawal was taken, which is when the words were erased; None when there was none."""
    query = select(func.min(consent.c.recorded_at)).where(
        consent.c.tenant == tenant,
        consent.c.conversation_id == conversation_id,
        consent.c.state == ConsentState.WITHDRAWN.value,
    )
    return conn.execute(query).scalar()


def erase(conn: Connection, *, tenant: str, conversation_id: UUID, now: datetime) -> None:
    """Delete utterances, analyses and visits of a conversation, and take its events back without their quotes.

    That it took place stays, with its consent and what became of its time. Doing it again changes nothing.
    Hold the conversation before: that waits for those who are adding to it.
    """
    stored = stored_events(conn, tenant=tenant, conversation_id=conversation_id)
    taken_back = changes(stored, ())
    wordless = tuple(event.model_copy(update={"quote": ""}) for event in taken_back.added)
    apply_changes(conn, taken_back._replace(added=wordless), tenant=tenant, now=now)
    forget_quotes(conn, tenant=tenant, conversation_id=conversation_id)
    for table in (utterance, analysis, touchpoint_visit):
        conn.execute(table.delete().where(table.c.tenant == tenant, table.c.conversation_id == conversation_id))
