"""Experience events: the list, narrowed by kind and touchpoint."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from models.labels import EventKind
from server.journeys.repository import journey_maps
from server.store.database import Database
from server.web.charts import in_journey_order
from server.web.pages.conversations import PAGE_ROWS, PlaceMs, from_ms, to_ms
from server.web.rendering import SignedInPage
from server.web.repository import EventPlace, event_lines

router = APIRouter()


@router.get("/events")
async def show_events(
    request: Request,
    page: SignedInPage,
    *,
    kind: Annotated[str, Query(max_length=40)] = "",
    at: Annotated[str, Query(max_length=401)] = "",
    before_ms: PlaceMs = None,
    before_sequence: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
) -> HTMLResponse:
    """List events that stand, newest first; `at` is map/touchpoint, an empty or unknown choice narrows nothing."""
    database: Database = request.app.state.db
    maps = await database.read(lambda conn: journey_maps(conn, tenant=page.tenant))
    places = {
        f"{journey.name}/{touchpoint.code}": (journey, touchpoint)
        for journey in maps.values()
        for touchpoint in in_journey_order(journey)
    }
    chosen_kind = EventKind(kind) if kind in set(EventKind) else None
    chosen_place = places.get(at)
    before = None
    if before_ms is not None and before_sequence is not None:
        before = EventPlace(occurred_at=from_ms(before_ms), sequence=before_sequence)
    rows = await database.read(
        lambda conn: event_lines(
            conn,
            tenant=page.tenant,
            limit=PAGE_ROWS + 1,
            kind=chosen_kind,
            map_name=chosen_place[0].name if chosen_place else None,
            touchpoint=chosen_place[1].code if chosen_place else None,
            before=before,
        )
    )
    last = rows[PAGE_ROWS - 1] if len(rows) > PAGE_ROWS else None
    following = None
    if last is not None:
        following = page.here_with(before_ms=str(to_ms(last.occurred_at)), before_sequence=str(last.sequence))
    return page.render(
        "events.html",
        rows=rows[:PAGE_ROWS],
        maps=maps,
        places=places,
        kinds=tuple(EventKind),
        kind=chosen_kind,
        at=at if chosen_place else "",
        following=following,
        first=before is None,
    )
