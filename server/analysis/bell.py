"""The bell of the analysis queue: whoever changes a conversation rings, in the same transaction."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, case, exists, literal, null
from sqlalchemy.dialects import postgresql, sqlite

from server.store.moment import MomentMs, milliseconds
from server.store.prepared import Prepared
from server.store.tables.analysis import analysis_queue
from server.store.tables.conversations import conversation
from server.store.upsert import Value, insert_for


def ring(conn: Connection, *, tenant: str, conversation_id: str, now: datetime, quiet_after: timedelta) -> None:
    """Have a conversation analysed again: now when it has ended, else when it has been quiet.

    Args:
        conn: the transaction that changed the conversation.
        tenant: whose it is.
        conversation_id: as hex.
        now: the server's time.
        quiet_after: how long a conversation that has not ended stays quiet before it is analysed.
    """
    values: dict[str, Value] = {"tenant": tenant, "conversation_id": conversation_id}
    _ring.run(conn, values | {"now": milliseconds(now), "quiet_at": milliseconds(now + quiet_after)})


def _build_ring(dialect: str) -> sqlite.Insert | postgresql.Insert:
    """INSERT into the queue, or raise the ring."""
    statement = insert_for(dialect, analysis_queue)
    of_conversation = (conversation.c.tenant == bindparam("tenant")) & (
        conversation.c.id == bindparam("conversation_id")
    )
    ended = exists().where(of_conversation, conversation.c.ended_at.is_not(null()))
    moment = MomentMs()
    statement = statement.values(
        tenant=bindparam("tenant"),
        conversation_id=bindparam("conversation_id"),
        ring=literal(1),
        rung_at=bindparam("now", type_=moment),
        due_at=case((ended, bindparam("now", type_=moment)), else_=bindparam("quiet_at", type_=moment)),
        attempts=literal(0),
        last_error=literal(""),
    )
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[analysis_queue.c.tenant, analysis_queue.c.conversation_id],
        set_={
            "ring": analysis_queue.c.ring + 1,
            "rung_at": new.rung_at,
            "due_at": new.due_at,
            # What changed may well be what made it fail.
            "attempts": literal(0),
            "last_error": literal(""),
        },
    )


_ring = Prepared(_build_ring)
