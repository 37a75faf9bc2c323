"""Journey maps: the list, one map with its lanes, and what was said at a touchpoint."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from models.analysis import ExperienceEvent
from models.journey import JourneyMap
from server.events.repository import events_of_map
from server.journeys.repository import (
    TouchpointFigures,
    UnknownJourneyMapError,
    journey_maps,
    read_map,
    touchpoint_figures,
)
from server.store.database import Database
from server.web.charts import in_journey_order, journey_chart
from server.web.failures import PageNotFoundError
from server.web.rendering import Page, SignedInPage

router = APIRouter()

QUOTES_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class MapFigures:
    """A journey map with its figures and the newest event of each touchpoint, by touchpoint code."""

    journey: JourneyMap
    figures: dict[str, TouchpointFigures]
    newest: dict[str, ExperienceEvent]


@router.get("/journeys")
async def list_journeys(request: Request, page: SignedInPage) -> HTMLResponse:
    """List the journey maps with their number of visits, the most visited first."""
    database: Database = request.app.state.db
    maps = await database.read(lambda conn: journey_maps(conn, tenant=page.tenant))
    figures = await database.read(lambda conn: touchpoint_figures(conn, tenant=page.tenant))
    visits = {name: sum(one.visits for one in figures if one.journey_map == name) for name in maps}
    ranked = sorted(maps.values(), key=lambda journey: (-visits[journey.name], journey.name))
    return page.render("journeys.html", maps=ranked, visits=visits)


def read_map_figures(conn: Connection, *, tenant: str, name: str) -> MapFigures:
    """Read what the page of a map shows.

    Raises:
        UnknownJourneyMapError: the tenant has no such map.
    """
    journey = read_map(conn, tenant=tenant, name=name)
    figures = {one.touchpoint: one for one in touchpoint_figures(conn, tenant=tenant, journey_map=name)}
    newest = {
        event.touchpoint: event
        for code, one in figures.items()
        if one.events
        for event in events_of_map(conn, tenant=tenant, journey_map=name, touchpoint=code, limit=1)
    }
    return MapFigures(journey=journey, figures=figures, newest=newest)


@router.get("/journeys/{name}")
async def show_journey(request: Request, page: SignedInPage, name: str) -> HTMLResponse:
    """Show a map: lanes, moments of truth, emotion curve, and the quotes of the touchpoint with most events."""
    database: Database = request.app.state.db
    try:
        found = await database.read(lambda conn: read_map_figures(conn, tenant=page.tenant, name=name))
    except UnknownJourneyMapError as error:
        raise PageNotFoundError(error.message) from error
    busiest = max(found.figures.values(), key=lambda one: one.events, default=None)
    touchpoints = in_journey_order(found.journey)
    codes = {touchpoint.code for touchpoint in touchpoints}
    chosen = busiest.touchpoint if busiest is not None and busiest.touchpoint in codes else touchpoints[0].code
    return page.render(
        "journey.html",
        journey=found.journey,
        touchpoints=touchpoints,
        figures=found.figures,
        visited=sum(one.visits for one in found.figures.values()),
        chart=journey_chart(found.journey, figures=found.figures, newest=found.newest, words=page.words),
        touchpoint=found.journey.touchpoint(chosen),
        events=await _events_at(request, page=page, journey=found.journey, code=chosen),
        quotes_shown=QUOTES_SHOWN,
    )


@router.get("/journeys/{name}/touchpoints/{code}")
async def show_touchpoint(request: Request, page: SignedInPage, name: str, code: str) -> HTMLResponse:
    """Show the newest events at a touchpoint: a piece of the map's page, loaded by htmx."""
    database: Database = request.app.state.db
    try:
        journey = await database.read(lambda conn: read_map(conn, tenant=page.tenant, name=name))
    except UnknownJourneyMapError as error:
        raise PageNotFoundError(error.message) from error
    if code not in {touchpoint.code for touchpoint in journey.touchpoints}:
        raise PageNotFoundError(f"the map {name} has no touchpoint {code}")
    return page.render(
        "touchpoint.html",
        journey=journey,
        touchpoint=journey.touchpoint(code),
        events=await _events_at(request, page=page, journey=journey, code=code),
        quotes_shown=QUOTES_SHOWN,
    )


async def _events_at(request: Request, *, page: Page, journey: JourneyMap, code: str) -> tuple[ExperienceEvent, ...]:
    database: Database = request.app.state.db
    tenant, name = page.tenant, journey.name
    return await database.read(
        lambda conn: events_of_map(conn, tenant=tenant, journey_map=name, touchpoint=code, limit=QUOTES_SHOWN)
    )
