"""The feed of experience events."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from models.labels import EventKind
from models.noun import Moment
from server.access.keys import Principal, require_key
from server.events.repository import FeedFilter, FeedPage, read_feed
from server.plain_name import PlainName
from server.store.database import Database
from server.store.position import LARGEST

router = APIRouter(prefix="/v1", tags=["events"])


@router.get("/events")
async def get_events(
    request: Request,
    principal: Annotated[Principal, Depends(require_key)],
    *,
    after: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before; 0 to begin")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most events in one page")] = 100,
    customer: Annotated[PlainName | None, Query(description="Only this customer's")] = None,
    kind: Annotated[EventKind | None, Query(description="Only of this kind")] = None,
    touchpoint: Annotated[PlainName | None, Query(description="Only at this touchpoint")] = None,
    mot: Annotated[bool | None, Query(description="Only at moments of truth, or only elsewhere")] = None,
    since: Annotated[Moment | None, Query(description="Only what happened then or later")] = None,
) -> FeedPage:
    """Read the feed, oldest first, in the order in which events were committed.

    Hand `next` in as `after` and nothing is skipped or given twice, whoever writes meanwhile; ask again later when
    `has_more` is false. `next` also moves past what a filter left out. The feed tells everything: an event that
    `supersedes` another takes its place, and an entry with `retracted` only takes back the one it supersedes. A filter
    lets through what takes the place of an event that it let through: a customer's event may move to another one.
    When a customer withdraws consent their events are taken back, and quotes are empty from then on.
    """
    wanted = FeedFilter(customer=customer, kind=kind, touchpoint=touchpoint, mot=mot, since=since)
    db: Database = request.app.state.db
    return await db.read(lambda conn: read_feed(conn, tenant=principal.tenant, after=after, limit=limit, wanted=wanted))
